import type { HostConnection } from '../../host/connection.js';
import type { Change, FailedChange, SetResult } from '../../host/set.js';
import { endpointText, keepAliveText } from './connection-cells.js';
import { cutMiddle, fitTable, wrapText } from './fit.js';

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
    failed.map(({ connection, error }) => [endpointText(connection.local), remoteText(connection), error]),
    width,
  );
}

function count(number: number, verb: string): string {
  return `${number} ${number === 1 ? 'connection' : 'connections'} ${verb}`;
}

/** What setting options came to: before and after of each, then those that failed and why. */
export function renderChanges({ changed, failed }: SetResult, width: number, dryRun: boolean): string {
  const parts: string[] = [];
  if (changed.length > 0) parts.push(renderChanged(changed, width));
  if (failed.length > 0) parts.push(renderFailed(failed, width));
  const unanswered = changed.filter((change) => change.unanswered !== undefined).length;
  if (unanswered > 0) {
    const peers = unanswered === 1 ? '1 peer has' : `${unanswered} peers have`;
    const text = `${peers} not answered earlier probes: the count is larger by their number, and a user timeout left out; set it again once they have answered`;
    parts.push(wrapText(text, width));
  }
  const verb = dryRun ? 'would be changed' : 'changed';
  const failures = failed.length === 0 ? '' : `, ${count(failed.length, dryRun ? 'could not be' : 'not')}`;
  return `${[...parts, `${count(changed.length, verb)}${failures}`].join('\n\n')}\n`;
}
