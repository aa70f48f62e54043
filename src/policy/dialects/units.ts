/**
 * What a text that is no number says: `unsaid` leaves the number to what applies without the word, `kernel` to the kernel, and
 * `off` turns keepalive off.
 */
export type Special = 'unsaid' | 'kernel' | 'off';

/** How a system writes a value: seconds, milliseconds, a number of probes, on and off. */
export interface Unit {
  /** As a table says it. */
  readonly name: string;
  /** As an error says it. */
  readonly allowed: string;
  /** Returns the value, durations in milliseconds; undefined for what the system would not take. */
  readonly read: (text: string) => number | boolean | Special | undefined;
  readonly write: (value: number) => string;
  readonly special?: Readonly<Record<string, Special>>;
}

interface TimeForm {
  /** What a number without a unit is, in milliseconds. */
  readonly bareMs: number;
  /** The suffixes that the system takes, in milliseconds. Default: none. */
  readonly suffixes?: Readonly<Record<string, number>>;
  readonly special?: Unit['special'];
  /** Whether digits may be grouped by underscores. */
  readonly hasGroups?: true;
  /** Writes a duration in milliseconds. Default: as a number without a unit. */
  readonly write?: (ms: number) => string;
}

const bareNames: Readonly<Record<number, string>> = { 1: 'milliseconds', 1000: 'seconds' };

/** Longer texts are no durations, and expressions that repeat a group run out of stack on them. */
const longestDuration = 100;

function readTime(text: string, bareMs: number, suffixes: Readonly<Record<string, number>>): number | undefined {
  if (text.length > longestDuration) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text) * bareMs;
  if (!/^(?:\d{1,12}(?:\.\d{1,6})?\s*[a-z]+\s*)+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, suffix = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const ms = Object.hasOwn(suffixes, suffix) ? suffixes[suffix] : undefined;
    if (ms === undefined) return undefined;
    sum += Number(number) * ms;
  }
  return Math.round(sum * 1e6) / 1e6;
}

/** Returns the unit of a duration. */
export function time({ bareMs, suffixes = {}, special, hasGroups, write }: TimeForm): Unit {
  const name = bareNames[bareMs] as string;
  const units = Object.keys(suffixes);
  const withSuffix = units.length === 0 ? '' : `, or a duration with ${units.join(', ')}`;
  return {
    name,
    allowed: `a number of ${name}${withSuffix}`,
    read: (text) => readTime(hasGroups ? text.replaceAll('_', '') : text, bareMs, suffixes),
    write: write ?? ((ms) => String(ms / bareMs)),
    ...(special && { special }),
  };
}

/** Whole seconds, without a unit. */
export const seconds = time({ bareMs: 1000 });

/** Milliseconds, without a unit. */
export const milliseconds = time({ bareMs: 1 });

/** Returns the unit of a number of probes. */
export function probes(special?: Unit['special']): Unit {
  return {
    name: 'probes',
    allowed: 'a number of probes from 1 to 127',
    read: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
    write: String,
    ...(special && { special }),
  };
}

/** Returns the unit of a switch. */
export function flag(on: readonly string[], off: readonly string[], { ignoresCase = false } = {}): Unit {
  const cased = (text: string) => (ignoresCase ? text.toLowerCase() : text);
  return {
    name: `${on[0]} or ${off[0]}`,
    allowed: `${on[0]} or ${off[0]}`,
    read: (text) => (on.includes(cased(text)) ? true : off.includes(cased(text)) ? false : undefined),
    write: () => on[0] as string,
  };
}
