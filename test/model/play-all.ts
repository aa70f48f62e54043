import { runProgram } from '../program.js';
import { pairs } from './pairs.js';
import type { Played } from './play.js';

/**
 * Plays all pairs, those with the same tcp_retries2 side by side in a network namespace. Returns what was measured, by the place of
 * each pair; a kernel without TCP_RTO_MAX_MS leaves out some.
 *
 * @param network The command that runs a program in a network namespace of its own.
 */
export async function playAll(network: string[]): Promise<Readonly<Record<number, Played>>> {
  const settings = [...new Set(pairs.map(({ retries2 }) => retries2))];
  const program = new URL('play-pairs.ts', import.meta.url);
  const parts = await Promise.all(
    settings.map((retries2) => runProgram<Record<number, Played>>(program, [String(retries2)], network, 60_000)),
  );
  return Object.assign({}, ...parts);
}
