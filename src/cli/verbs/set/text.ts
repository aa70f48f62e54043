import type { Change, Changes, FailedChange } from '../../../host/change/set.js';
import type { HostConnection } from '../../../host/list/connection.js';
import { countSockets, type NotJudged } from '../../../host/list/not-judged.js';
import { policyDuration } from '../../../policy/duration.js';
import { type KeepAliveState, sameSettings } from '../../../policy/settings.js';
import { endpointText } from '../../../wire/endpoint.js';
import { addressColumn, keepAliveText } from '../../text/cells.js';
import { counted, notJudgedText, tally } from '../../text/counted.js';
import { renderReasons } from '../../text/reasons.js';
import { renderTable } from '../../text/table.js';
import { wrapText } from '../../text/wrap-text.js';

const ends = [
  { title: 'LOCAL', ...addressColumn, rank: 1 },
  { title: 'REMOTE', ...addressColumn, rank: 3 },
];

function endCells({ state, local, remote }: HostConnection): string[] {
  return [endpointText(local), state === 'LISTEN' ? 'listening' : endpointText(remote)];
}

/** Returns what `ls` shows, and the user timeout also where keepalive is off: it holds there too. */
function settingsText(state: KeepAliveState): string {
  const text = keepAliveText(state);
  return state.enabled || !state.userTimeout ? text : `${text} user-timeout ${policyDuration(state.userTimeout)}`;
}

/** Without --verbose, at most this many changed connections have a row each: a screen. */
export const mostRows = 20;

/** Returns a row for each change, or for many a row for all that had the same before and have the same after. */
function renderChanged(changed: readonly Change[], width: number, verbose: boolean): string[] {
  if (changed.length === 0) return [];
  if (verbose || changed.length <= mostRows) {
    const rows = changed.map(({ connection, before, after }) => [
      ...endCells(connection),
      settingsText(before),
      settingsText(after),
    ]);
    return [renderTable([...ends, { title: 'BEFORE', rank: 2 }, 'AFTER'], rows, width)];
  }
  const cellsOf = ({ before, after }: Change) => JSON.stringify([settingsText(before), settingsText(after)]);
  const rows = tally(changed.map(cellsOf)).map(([cells, many]) => [String(many), ...JSON.parse(cells)]);
  return [
    renderTable([{ title: 'SOCKETS', align: 'right' }, 'BEFORE', 'AFTER'], rows, width),
    wrapText('--verbose shows each of them', width),
  ];
}

function renderFailed(failed: readonly FailedChange[], width: number): string[] {
  if (failed.length === 0) return [];
  const rows = failed.map(({ connection, error }) => [...endCells(connection), error]);
  return [renderReasons([...ends, { title: 'NOT CHANGED, BECAUSE', least: 20 }], rows, width)];
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

function renderCounts({ changed, failed }: Changes, { orphans = 0, undecided }: PassedOver, dryRun: boolean): string[] {
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
  return open === undefined ? [sentence] : [sentence, open];
}

/** Returns a note about peers that have not answered; `undefined` if all changes are as wanted. */
function unansweredText({ changed }: Changes): string | undefined {
  const unanswered = changed.filter((change) => change.unanswered !== undefined).length;
  if (unanswered === 0) return undefined;
  return `${counted(unanswered, 'peer')} ${unanswered === 1 ? 'has' : 'have'} not answered earlier probes or data, or a closed window: the count is larger by the number of probes, and the user timeout longer or left out; set it again once they have answered`;
}

/** Returns a note about changed numbers that have no effect because keepalive is off; `undefined` if there are none. */
function stillOffText({ changed }: Changes): string | undefined {
  const off = changed.filter(({ before, after }) => !after.enabled && after.enabled === before.enabled);
  const isOfTimers = ({ before, after }: Change) =>
    before.userTimeout === after.userTimeout && !sameSettings(before, after);
  const idle = off.filter(isOfTimers).length;
  return idle === 0 ? undefined : `keepalive is off on ${idle} of them: \`set on\` turns it on`;
}

interface Form {
  readonly dryRun: boolean;
  readonly verbose: boolean;
}

/** Returns the result of setting options: before and after, failures with reasons, then the counts. */
export function renderChanges(result: Changes & PassedOver, width: number, { dryRun, verbose }: Form): string {
  const notes = [unansweredText(result), stillOffText(result)].filter((text) => text !== undefined);
  return `${[
    ...renderChanged(result.changed, width, verbose),
    ...renderFailed(result.failed, width),
    ...notes.map((text) => wrapText(text, width)),
    renderCounts(result, result, dryRun)
      .map((text) => wrapText(text, width))
      .join('\n'),
  ].join('\n\n')}\n`;
}

/** Returns the errors and warnings of a result: failures by reason, and changes that are not as wanted. */
export function quietLines(result: Changes & PassedOver, dryRun: boolean): string[] {
  const failures = tally(result.failed.map(({ error }) => error)).map(
    ([error, many]) => `${counted(many, 'socket')} ${dryRun ? 'could not be' : 'not'} changed: ${error}`,
  );
  const open = result.undecided && notJudgedText(result.undecided);
  return [...failures, unansweredText(result), open].filter((text) => text !== undefined);
}
