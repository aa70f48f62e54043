import type { Change, Changes, FailedChange } from '../../host/change/set.js';
import type { HostConnection } from '../../host/list/connection.js';
import { countSockets, type NotJudged } from '../../host/list/not-judged.js';
import { sameSettings } from '../../policy/settings.js';
import { endpointText, keepAliveText } from './connection-cells.js';
import { cutMiddle, fitTable, wrapText } from './fit.js';
import { printable } from './printable.js';

/** A connection's two ends, as a row of JSON begins. */
export function endsOf({ local, remote }: HostConnection) {
  return {
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
  };
}

function remoteText({ state, remote }: HostConnection): string {
  return state === 'LISTEN' ? 'listening' : endpointText(remote);
}

const address = { least: 13, shorten: cutMiddle } as const;

function renderChanged(changed: readonly Change[], width: number): string {
  const columns = [
    { title: 'LOCAL', ...address },
    { title: 'REMOTE', ...address },
    { title: 'BEFORE' },
    { title: 'AFTER' },
  ];
  return fitTable(
    columns,
    changed.map(({ connection, before, after }) => [
      endpointText(connection.local),
      remoteText(connection),
      keepAliveText(before),
      keepAliveText(after),
    ]),
    width,
  );
}

function renderFailed(failed: readonly FailedChange[], width: number): string {
  const columns = [
    { title: 'LOCAL', ...address },
    { title: 'REMOTE', ...address },
    { title: 'NOT CHANGED, BECAUSE', least: 20 },
  ];
  return fitTable(
    columns,
    failed.map(({ connection, error }) => [endpointText(connection.local), remoteText(connection), printable(error)]),
    width,
  );
}

function count(number: number, verb: string): string {
  return `${number} ${number === 1 ? 'connection' : 'connections'} ${verb}`;
}

/** The counts in the sentence besides the changes. */
interface PassedOver {
  readonly orphans?: number;
  readonly undecided?: NotJudged;
}

function renderCounts({ changed, failed }: Changes, { orphans = 0, undecided }: PassedOver, dryRun: boolean): string {
  const already = changed.filter(({ before, after }) => sameSettings(before, after)).length;
  const open = undecided === undefined ? '' : countSockets(undecided);
  const isNothing = orphans > 0 && changed.length + failed.length === 0;
  const parts = [
    isNothing ? 'nothing to set' : count(changed.length - already, dryRun ? 'would be changed' : 'changed'),
  ];
  if (already > 0) parts.push(`${already} had it already`);
  if (failed.length > 0) parts.push(count(failed.length, dryRun ? 'could not be' : 'not'));
  if (orphans > 0) parts.push(`${orphans} ${orphans === 1 ? 'orphan' : 'orphans'} passed over`);
  const sentence = parts.join(', ');
  return open === '' ? sentence : `${sentence}\n${open} could not be judged (${undecided?.reasons.join('; ')})`;
}

/** Returns the result of setting options: before and after of each connection, failures with reasons, then the counts. */
export function renderChanges(result: Changes & PassedOver, width: number, dryRun: boolean): string {
  const { changed, failed } = result;
  const parts: string[] = [];
  if (changed.length > 0) parts.push(renderChanged(changed, width));
  if (failed.length > 0) parts.push(renderFailed(failed, width));
  const unanswered = changed.filter((change) => change.unanswered !== undefined).length;
  if (unanswered > 0) {
    const peers = unanswered === 1 ? '1 peer has' : `${unanswered} peers have`;
    const text = `${peers} not answered earlier probes or data, or a closed window: the count is larger by the number of probes, and the user timeout longer or left out; set it again once they have answered`;
    parts.push(wrapText(text, width));
  }
  return `${[...parts, renderCounts(result, result, dryRun)].join('\n\n')}\n`;
}
