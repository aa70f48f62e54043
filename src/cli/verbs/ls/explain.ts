import type { HostConnection } from '../../../host/list/connection.js';
import { countSockets } from '../../../host/list/not-judged.js';
import { type ConnectionRow, dependsOnKeepAlive, isOrphan } from '../../../host/list/row.js';
import { idleDetection } from '../../../policy/model/detection-time.js';
import { keepAliveText, verdictText } from '../../text/cells.js';
import { earliestDuration, humanDuration, longestDuration } from '../../text/duration.js';
import { wrapText } from '../../text/wrap-text.js';

/** The present use of a connection, on which the detection time depends. `shut` is quiet, and can send no data any more. */
type Activity = 'quiet' | 'shut' | 'in flight' | 'window closed';

function activityOf({ state, sendQueue, timer }: HostConnection): Activity {
  if (state === 'FIN_WAIT2') return 'shut';
  if (state === 'LISTEN' || sendQueue === 0) return 'quiet';
  return timer?.kind === 'persist' ? 'window closed' : 'in flight';
}

/** Returns why keepalive does not detect a lost peer of a connection. */
function whyUndecided(connection: HostConnection): string {
  const { state, inode } = connection;
  if (isOrphan(connection)) return 'its program has closed it, and the kernel ends it';
  return inode === 0 && (state === 'ESTABLISHED' || state === 'CLOSE_WAIT')
    ? 'it waits to be accepted'
    : 'it is not open';
}

/** Returns the detection time with data in flight, as text. */
function inFlightText(inFlightMs: number | null | undefined): string {
  return inFlightMs == null ? 'at a time that is not known' : `within ${longestDuration(inFlightMs)}`;
}

/** Explains a row in words: when the kernel notices a peer that vanishes now. Uses the model of the verdicts. */
export function explainRow(row: ConnectionRow): string {
  const { connection, keepAlive, detection, unreachable } = row;
  if (!dependsOnKeepAlive(connection)) return `keepalive does not decide: ${whyUndecided(connection)}`;
  if (keepAlive === null) return `not known: ${unreachable ?? 'the kernel does not show the options'}`;
  const inFlight = inFlightText(detection?.inFlightMs);
  const activity = activityOf(connection);
  if (activity === 'window closed') return `its peer does not read; if the peer vanishes, that is noticed ${inFlight}`;
  if (activity === 'in flight')
    return `data is in flight, and keepalive waits for it; a peer that vanishes is noticed ${inFlight}`;
  const isShut = activity === 'shut';
  if (!keepAlive.enabled && isShut) return 'a peer that vanishes is never noticed: the program can write no more';
  if (!keepAlive.enabled) return `a peer that vanishes is never noticed until the program writes, then ${inFlight}`;
  if (keepAlive.idle === null)
    return 'a quiet peer that vanishes is noticed, at a time that is not known: the numbers are not';
  const { earliestMs, latestMs } = idleDetection(keepAlive);
  const quiet = `after ${earliestDuration(earliestMs)}, at the latest ${longestDuration(latestMs)}`;
  if (isShut) return `a quiet peer that vanishes is noticed ${quiet}`;
  return `a quiet peer that vanishes is noticed ${quiet}; with data in flight ${inFlight}`;
}

/** Returns when a middlebox drops connections of one policy; '' if their probes come in time, or if that is not known. */
function behindText(rows: readonly ConnectionRow[]): string {
  const [first] = rows.flatMap(({ behind }) => behind ?? []);
  const [{ verdict }] = rows as [ConnectionRow];
  if (first === undefined || (verdict !== 'exposed' && verdict !== 'unprotected')) return '';
  const { firstProbeMs, timeoutMs } = first;
  const late = firstProbeMs === null ? 'too late' : `${longestDuration(firstProbeMs)} after the last packet`;
  const probe = firstProbeMs === Number.POSITIVE_INFINITY ? 'no probe comes' : `the first probe can come ${late}`;
  const timeout = humanDuration(timeoutMs);
  const drops = rows.flatMap(({ behind }) => behind?.dropInMs ?? []);
  if (drops.length === 0) return `; ${probe}, and the middlebox forgets the connection after ${timeout}`;
  const soonest = Math.min(...drops);
  const when = soonest > 0 ? `in ${humanDuration(soonest)}` : `${humanDuration(-soonest)} ago`;
  const areSeveral = drops.length > 1;
  return `; ${probe}: dropped ${timeout} after ${areSeveral ? 'they were' : 'it was'} last heard, ${areSeveral ? 'the first ' : ''}${when}`;
}

/** A time that is not known may be longer than each that is. */
const inFlightMsOf = ({ detection }: ConnectionRow) => detection?.inFlightMs ?? Number.POSITIVE_INFINITY;

/** Returns an explanation for each policy, verdict and activity, in the order of the rows. */
export function renderExplanations(rows: readonly ConnectionRow[], withinMs: number, width: number): string {
  const groups = new Map<string, ConnectionRow[]>();
  for (const row of rows) {
    const label = `${keepAliveText(row.keepAlive)}, ${verdictText(row)}`;
    const isSame = dependsOnKeepAlive(row.connection) && row.keepAlive !== null;
    const key = `${label} ${isSame ? activityOf(row.connection) : explainRow(row)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return Array.from(groups.values(), (group) => {
    // The latest time of all: it depends on the round trip of each connection.
    const row = group.reduce((slowest, other) => (inFlightMsOf(other) > inFlightMsOf(slowest) ? other : slowest));
    const listeners = group.filter(({ connection }) => connection.state === 'LISTEN').length;
    const many = countSockets({ connections: group.length - listeners, listeners });
    const limit = row.verdict === 'slow' ? `; the limit is ${humanDuration(withinMs)}` : '';
    const text = `${keepAliveText(row.keepAlive)}, ${verdictText(row)} (${many}): ${explainRow(row)}${limit}${behindText(group)}`;
    return wrapText(text, width, '  ');
  }).join('\n');
}
