import { execFileSync } from 'node:child_process';
import type { TimerKind } from '../../src/host/list/connection.js';
import { formatIPv4 } from '../../src/wire/ip-address.js';
import type { TcpState } from '../../src/wire/tcp-info/state.js';

/** What `ss` says of one socket. */
export interface SsRow {
  readonly state: TcpState;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly local: string;
  readonly remote: string;
  readonly timer: { readonly kind: TimerKind; readonly expiresMs: number; readonly unanswered: number } | null;
  readonly cookie: bigint;
  readonly inode: number;
  readonly uid: number;
  /** The rest, by its key: `rto`, `rtt`, `bytes_received`. */
  readonly info: ReadonlyMap<string, string>;
}

const states: Readonly<Record<string, TcpState>> = { ESTAB: 'ESTABLISHED', UNCONN: 'CLOSE' };
const timers: Readonly<Record<string, TimerKind>> = {
  on: 'retransmission',
  keepalive: 'keepalive',
  timewait: 'timewait',
  persist: 'persist',
};

/** `1.234ms` is 1234 ms, as `29sec`, `1min30sec` and `200ms` are what they say; from 10 s on `ss` cuts off the rest. */
function durationMs(text: string): number {
  const [, minutes = 0, seconds = 0, ms = 0] = /^(?:(\d+)min)?(?:(\d+)(?:sec|\.(?=\d)))?(?:(\d+)ms)?$/.exec(text) ?? [];
  return Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(ms);
}

function timerOf(text: string | undefined): SsRow['timer'] {
  const [, name = '', duration = '', unanswered] = /^\((\w+),([^,]*),(\d+)\)$/.exec(text ?? '') ?? [];
  const kind = timers[name];
  return kind === undefined ? null : { kind, expiresMs: durationMs(duration), unanswered: Number(unanswered) };
}

/** `[::ffff:127.0.0.1]:80`, `*:80` and `127.0.0.1%lo:80` in the form in which this project writes addresses. */
export function endpointText(text: string, family: 4 | 6): string {
  const [, address = '', port] = /^(.*):(\d+|\*)$/.exec(text) ?? [];
  const plain = address.replace(/%.*$/, '').replace(/^\[(.*)\]$/, '$1');
  const named = plain === '*' ? (family === 6 ? '::' : formatIPv4(0)) : plain;
  return `${named.replace(/^::ffff:(?=\d+\.)/, '')} ${port === '*' ? 0 : port}`;
}

function parseRow(line: string): SsRow {
  const [state = '', receiveQueue, sendQueue, local = '', remote = '', ...rest] = line.trim().split(/\s+/);
  const info = new Map<string, string>();
  for (const word of rest) {
    const [, key, value] = /^(\w+):(.*)$/.exec(word) ?? [];
    if (key !== undefined && value !== undefined) info.set(key, value);
  }
  return {
    state: states[state] ?? (state.replaceAll('-', '_').replace(/_([12])$/, '$1') as TcpState),
    receiveQueue: Number(receiveQueue),
    sendQueue: Number(sendQueue),
    local,
    remote,
    timer: timerOf(info.get('timer')),
    cookie: BigInt(`0x${info.get('sk')}`),
    inode: Number(info.get('ino') ?? 0),
    uid: Number(info.get('uid') ?? 0),
    info,
  };
}

/** Every TCP socket of a namespace as `ss` lists it, by its cookie. */
export function ssRows(namespace?: string): Map<bigint, SsRow> {
  const ss = ['ss', '--tcp', '--all', '--numeric', '--options', '--info', '--extended', '--oneline', '--no-header'];
  const [command = '', ...args] = namespace === undefined ? ss : ['nsenter', `--net=${namespace}`, ...ss];
  const output = execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  const rows = output.split('\n').filter((line) => line.trim() !== '');
  return new Map(rows.map(parseRow).map((row) => [row.cookie, row]));
}
