import type { TimerKind } from '../../host/list/connection.js';
import { type ConnectionRow, dependsOnKeepAlive, lastHeardMs, unitName } from '../../host/list/row.js';
import { shownName } from '../../host/owners/processes.js';
import { scriptIn } from '../../host/owners/program-name.js';
import { policyDuration } from '../../policy/duration.js';
import type { Verdict } from '../../policy/model/verdict.js';
import { endpointText } from '../../wire/endpoint.js';
import type { TcpState } from '../../wire/tcp-info/decode.js';
import type { Tone } from './colour.js';
import { displayWidth } from './display-width.js';
import { humanDuration } from './duration.js';
import { cutEnd, cutMiddle, keepingTail } from './table.js';

/** Stands where there is nothing to say. */
export const emptyCell = '-';

/** Makes a program's name fit: without the interpreter, `app.js`, then cut. */
function cutName(name: string, width: number): string {
  return cutEnd(displayWidth(name) > width ? (scriptIn(name) ?? name) : name, width);
}

export const processColumn = { title: 'PROCESS', least: 12, shorten: keepingTail('/', cutName) } as const;

/** A column of addresses, without its title. */
export const addressColumn = { least: 13, shorten: keepingTail(':', cutMiddle) } as const;

/** `name/pid`, and how many others have the socket open: `nginx/7 +3`, `node app.js/9`. */
export function processText({ process, owners }: ConnectionRow): string {
  if (process === null) return emptyCell;
  const others = owners.length > 1 ? ` +${owners.length - 1}` : '';
  return `${shownName(process)}/${process.pid}${others}`;
}

/** The container or the unit that the process belongs to. */
export function unitText(row: ConnectionRow): string {
  return unitName(row) ?? emptyCell;
}

/** The peer's end; a listener has none. */
export function remoteText({ connection }: ConnectionRow): string {
  return connection.state === 'LISTEN' ? emptyCell : endpointText(connection.remote);
}

const stateTexts: Readonly<Record<TcpState, string>> = {
  UNKNOWN: '?',
  ESTABLISHED: 'ESTAB',
  SYN_SENT: 'SYN-SENT',
  SYN_RECV: 'SYN-RECV',
  FIN_WAIT1: 'FIN-WAIT-1',
  FIN_WAIT2: 'FIN-WAIT-2',
  TIME_WAIT: 'TIME-WAIT',
  CLOSE: 'CLOSE',
  CLOSE_WAIT: 'CLOSE-WAIT',
  LAST_ACK: 'LAST-ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
  NEW_SYN_RECV: 'SYN-RECV',
};

/** A state, as `ss` names it. */
export function stateText(state: TcpState): string {
  return stateTexts[state];
}

/**
 * Returns keepalive as policy text: `30:5:3`, `30:5:3:auto`, `off`; `on` without known numbers, `?` if not known. Policy text has
 * no place for the longest time between retransmissions: `30:5:3 rto-max 9`.
 */
export function keepAliveText(state: ConnectionRow['keepAlive']): string {
  if (state === null) return '?';
  if (!state.enabled) return 'off';
  if (state.idle === null) return 'on';
  const { idle, interval, count, userTimeout, rtoMax } = state;
  const timeoutText = userTimeout === idle + interval * count ? 'auto' : policyDuration(userTimeout ?? 0);
  const parts = [policyDuration(idle), policyDuration(interval), count, ...(userTimeout ? [timeoutText] : [])];
  return `${parts.join(':')}${rtoMax === undefined ? '' : ` rto-max ${policyDuration(rtoMax)}`}`;
}

const timerTexts: Readonly<Record<TimerKind, string>> = {
  retransmission: 'retransmit',
  keepalive: 'keepalive',
  timewait: 'time-wait',
  persist: 'persist',
};

/** What runs and when it fires: `keepalive 12 s`. */
export function timerText({ connection: { timer } }: ConnectionRow): string {
  return timer === null ? emptyCell : `${timerTexts[timer.kind]} ${humanDuration(timer.expiresMs)}`;
}

export const verdictTones = {
  protected: 'good',
  slow: 'warning',
  exposed: 'serious',
  unprotected: 'bad',
} as const satisfies Readonly<Record<Verdict, Tone>>;

/** Unanswered probes or retransmissions at which the kernel gives up by default. */
const defaultLimits = { probes: 9, retransmissions: 15 } as const;

/**
 * Returns the tone for the unanswered probes or retransmissions of a connection: none without any, `bad` from half of the
 * number after which the kernel ends the connection.
 */
export function ageTone({ connection: { timer, unanswered }, keepAlive }: ConnectionRow): Tone | undefined {
  if (unanswered === 0) return undefined;
  const isProbing = timer === null || timer.kind === 'keepalive';
  const limit = isProbing ? (keepAlive?.count ?? defaultLimits.probes) : defaultLimits.retransmissions;
  return unanswered * 2 < limit ? 'warning' : 'bad';
}

/** Returns the verdict; `?` if the connection could not be judged, `-` if no verdict applies. */
export function verdictText({ verdict, connection }: ConnectionRow): string {
  return verdict ?? (dependsOnKeepAlive(connection) ? '?' : emptyCell);
}

export function heardText({ connection }: ConnectionRow): string {
  const ms = lastHeardMs(connection);
  return ms === null ? emptyCell : humanDuration(ms);
}

/** Returns when a middlebox forgets the connection: `in 12 s`, `12 s ago`. */
export function droppedText({ behind }: ConnectionRow): string {
  if (behind == null || behind.dropInMs === null) return emptyCell;
  const { dropInMs } = behind;
  return dropInMs > 0 ? `in ${humanDuration(dropInMs)}` : `${humanDuration(-dropInMs)} ago`;
}

/** Bytes sent and not acknowledged, or not yet sent. */
export function inFlightText({ connection: { state, sendQueue } }: ConnectionRow): string {
  if (state === 'LISTEN') return emptyCell;
  if (sendQueue < 1000) return `${sendQueue} B`;
  if (sendQueue < 1e6) return `${(Math.floor(sendQueue / 100) / 10).toFixed(1)} kB`;
  return `${(Math.floor(sendQueue / 1e5) / 10).toFixed(1)} MB`;
}
