import type { Omission } from '../list/connection.js';

/** Counts sockets whose options could not be read, by process and reason. */
export class ReadFailures {
  readonly #counts = new Map<string, { pid: number | undefined; why: string; count: number }>();

  add(pid: number | undefined, why: string): void {
    const key = `${pid} ${why}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { pid, why, count: 1 });
    else known.count += 1;
  }

  lines(): Omission[] {
    return [...this.#counts.values()].map(({ pid, why, count }) => {
      const connections = `${count} ${count === 1 ? 'connection' : 'connections'}`;
      return { what: `the options of ${connections}${pid === undefined ? '' : ` of process ${pid}`}`, why };
    });
  }
}
