import type { Changes } from '../../../host/change/set.js';
import type { HostConnection } from '../../../host/list/connection.js';
import { countSockets, type NotJudged } from '../../../host/list/not-judged.js';
import { sameSettings } from '../../../policy/settings.js';
import { addressColumn, endpointText, keepAliveText } from '../../text/cells.js';
import { counted, notJudgedText } from '../../text/counted.js';
import { printable } from '../../text/printable.js';
import { renderTable, wrapText } from '../../text/table.js';

const ends = [
  { title: 'LOCAL', ...addressColumn, rank: 1 },
  { title: 'REMOTE', ...addressColumn, rank: 3 },
];

function endCells({ state, local, remote }: HostConnection): string[] {
  return [endpointText(local), state === 'LISTEN' ? 'listening' : endpointText(remote)];
}

function renderTables({ changed, failed }: Changes, width: number): string[] {
  const changes = changed.map(({ connection, before, after }) => [
    ...endCells(connection),
    keepAliveText(before),
    keepAliveText(after),
  ]);
  const failures = failed.map(({ connection, error }) => [...endCells(connection), error]);
  return [
    ...(changes.length === 0 ? [] : [renderTable([...ends, { title: 'BEFORE', rank: 2 }, 'AFTER'], changes, width)]),
    ...(failures.length === 0
      ? []
      : [renderTable([...ends, { title: 'NOT CHANGED, BECAUSE', least: 20 }], failures, width)]),
  ];
}

/** Returns the number of sockets, listeners apart: `12 connections and 1 listener`. */
function count(sockets: readonly { readonly connection: HostConnection }[]): string {
  const listeners = sockets.filter(({ connection }) => connection.state === 'LISTEN').length;
  return countSockets({ connections: sockets.length - listeners, listeners }) || counted(0, 'connection');
}

/** The counts in the sentence besides the changes. */
interface PassedOver {
  readonly orphans?: number;
  readonly undecided?: NotJudged;
}

function renderCounts({ changed, failed }: Changes, { orphans = 0, undecided }: PassedOver, dryRun: boolean): string {
  const changes = changed.filter(({ before, after }) => !sameSettings(before, after));
  const already = changed.length - changes.length;
  const isNothing = orphans > 0 && changed.length + failed.length === 0;
  const sentence = [
    isNothing ? 'nothing to set' : `${count(changes)} ${dryRun ? 'would be changed' : 'changed'}`,
    ...(already > 0 ? [`${already} had it already`] : []),
    ...(failed.length > 0 ? [`${count(failed)} ${dryRun ? 'could not be' : 'not'}`] : []),
    ...(orphans > 0 ? [`${counted(orphans, 'orphan')} passed over`] : []),
  ].join(', ');
  const open = undecided && notJudgedText(undecided);
  return open === undefined ? sentence : `${sentence}\n${printable(open)}`;
}

/** Returns the result of setting options: before and after of each connection, failures with reasons, then the counts. */
export function renderChanges(result: Changes & PassedOver, width: number, dryRun: boolean): string {
  const unanswered = result.changed.filter((change) => change.unanswered !== undefined).length;
  const text = `${counted(unanswered, 'peer')} ${unanswered === 1 ? 'has' : 'have'} not answered earlier probes or data, or a closed window: the count is larger by the number of probes, and the user timeout longer or left out; set it again once they have answered`;
  return `${[
    ...renderTables(result, width),
    ...(unanswered > 0 ? [wrapText(text, width)] : []),
    renderCounts(result, result, dryRun),
  ].join('\n\n')}\n`;
}
