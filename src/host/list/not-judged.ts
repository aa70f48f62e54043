import type { HostConnection, Omission } from './connection.js';

/**
 * Sockets about which a question could not be answered: whether the selection means them, or which verdict they have.
 *
 * No verb treats such a socket as one that the selection does not mean, or as one without a fault.
 */
export interface NotJudged {
  readonly connections: number;
  readonly listeners: number;
  /** Why, each reason once. */
  readonly reasons: readonly string[];
}

/**
 * Returns whether the question was answered for every socket: all are listed, and all were judged.
 *
 * @example
 * if (!isAnswered(listConnections())) process.exitCode = 3;
 */
export function isAnswered({ notJudged, isWhole }: { notJudged: NotJudged; isWhole: boolean }): boolean {
  return isWhole && notJudged.connections + notJudged.listeners === 0;
}

/** Returns the number of sockets as text: `3 connections and 1 listener`. */
export function countSockets({ connections, listeners }: Pick<NotJudged, 'connections' | 'listeners'>): string {
  const parts: string[] = [];
  if (connections > 0) parts.push(`${connections} ${connections === 1 ? 'connection' : 'connections'}`);
  if (listeners > 0) parts.push(`${listeners} ${listeners === 1 ? 'listener' : 'listeners'}`);
  return parts.join(' and ');
}

/** Counts sockets by the reason why a question about them could not be answered. */
export class OpenQuestions {
  readonly #counts = new Map<string, { connections: number; listeners: number }>();

  add({ state }: HostConnection, why: string): void {
    let count = this.#counts.get(why);
    if (count === undefined) {
      count = { connections: 0, listeners: 0 };
      this.#counts.set(why, count);
    }
    count[state === 'LISTEN' ? 'listeners' : 'connections'] += 1;
  }

  lines(suffix: string): Omission[] {
    return [...this.#counts].map(([why, count]) => ({ what: `${countSockets(count)} ${suffix}`, why }));
  }

  /** Returns the numbers, including those of `others`. */
  total(...others: readonly OpenQuestions[]): NotJudged {
    const counts = [this, ...others].flatMap((questions) => [...questions.#counts]);
    return {
      connections: counts.reduce((sum, [, { connections }]) => sum + connections, 0),
      listeners: counts.reduce((sum, [, { listeners }]) => sum + listeners, 0),
      reasons: [...new Set(counts.map(([why]) => why))],
    };
  }
}
