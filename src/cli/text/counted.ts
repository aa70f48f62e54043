import { countSockets, type NotJudged } from '../../host/list/not-judged.js';

/** Returns a number with its noun: `1 peer`, `3 peers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns how often each text occurs, the most frequent first. */
export function tally(texts: readonly string[]): [text: string, count: number][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Returns how many sockets could not be judged, and why; `undefined` if all could. */
export function notJudgedText(notJudged: NotJudged): string | undefined {
  const many = countSockets(notJudged);
  return many === '' ? undefined : `${many} could not be judged (${notJudged.reasons.join('; ')})`;
}
