import type { TimeRange } from '../../src/index.js';
import { coverRanges } from '../../src/policy/model/time-range.js';
import type { Measured } from './cell.js';
import { type Cell, type Expectation, type Fault, faults, type Guard, guards, transports } from './matrix.js';

/** A cell and what came of it. */
export interface Result {
  readonly cell: Cell;
  readonly measured: Measured;
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);

/** A peer that is there and is declared dead is killed; one that is gone and is not, goes unnoticed. */
export function verdictText(verdict: 'alive' | 'dead', isPeerThere: boolean): string {
  if (verdict === 'dead') return isPeerThere ? 'killed' : 'dead';
  return isPeerThere ? 'alive' : 'unnoticed';
}

/** Of a connection on a fast path, where none has been played. */
const usualRtoMs = 204;

function expectedText({ verdict, reason }: Expectation, fault: Fault, ranges: readonly TimeRange[]): string {
  const text = verdictText(verdict, fault.isPeerThere);
  if (verdict === 'alive') return text;
  const { earliestMs, latestMs } = coverRanges(ranges);
  return `${text} ${seconds(earliestMs)}..${seconds(latestMs)} s, ${reason}`;
}

function measuredText(result: Result | undefined): string {
  if (result === undefined) return 'not run';
  const { end, played } = result.measured;
  const { fault, expected } = result.cell;
  const verdict = end === undefined ? 'alive' : 'dead';
  if (end === undefined) return verdictText(verdict, fault.isPeerThere);
  const text = `${seconds(end.at.notAfter - played.since.notBefore)} s`;
  return verdict === expected.verdict ? text : `${verdict} ${text}`;
}

function row(fault: Fault, guard: Guard, results: readonly Result[]): string[] {
  const expected = fault.expected[guard];
  const own = results.filter(({ cell }) => cell.fault === fault && cell.guard === guard);
  const rtos = own.length > 0 ? own.map(({ measured }) => measured.played.rtoMs) : [usualRtoMs];
  const ranges = rtos.flatMap((rtoMs) => expected.within?.(rtoMs) ?? []);
  const name = [fault.name, fault.needsRoot ? '(root)' : ''][guards.indexOf(guard)] ?? '';
  const measured = transports.map((transport) => measuredText(own.find(({ cell }) => cell.transport === transport)));
  return [name, guard, expectedText(expected, fault, ranges), ...measured];
}

/** The matrix as text: a line for each fault and guard, expected and measured. */
export function renderMatrix(results: readonly Result[]): string {
  const rows = faults.flatMap((fault) => guards.map((guard) => row(fault, guard, results)));
  const table = [['fault', 'guard', 'expected', ...transports], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' ')
      .trimEnd();
  return table.map(line).join('\n');
}
