import { recordsOf } from '../../native/bpf/iterator.js';
import { findMembers, type KernelMember, type MemberPath, requireMembers } from '../../native/bpf/kernel-members.js';
import { kernelTypes } from '../../native/bpf/kernel-types.js';
import { BpfLink } from '../../native/bpf/link.js';
import { UnsupportedError } from '../../native/errors.js';
import { bpfHelpers } from '../../wire/bpf/helpers.js';
import {
  type BpfProgramItem,
  type BpfRegister,
  call,
  jumpIf,
  label,
  load,
  store,
} from '../../wire/bpf/instructions.js';
import { found, socketFileOrEnd, tcpSocketOr } from '../../wire/bpf/open-files.js';
import { clearRecord, end, offsetInRecord, wordLength, writeRecord } from '../../wire/bpf/records.js';
import { RecordIndex } from '../record-index.js';

const { ktimeGetNs } = bpfHelpers;

/** The record that the program writes for each descriptor of a TCP socket, in 32-bit words. */
export const segmentRecord = {
  cookie: 0,
  /** CLOCK_MONOTONIC of the kernel in nanoseconds: a time namespace does not shift it. */
  time: 2,
  sendUnacknowledged: 4,
  receiveNext: 5,
  receiveWindow: 6,
  timestampOffset: 7,
  recentTimestamp: 8,
  mark: 9,
  hasTimestamps: 10,
  windowScale: 11,
  hasMicroseconds: 12,
  timeToLive: 13,
  typeOfService: 14,
  hopLimit: 15,
  trafficClass: 16,
  isSigned: 17,
  words: 18,
} as const;

const members = {
  sk: ['socket', 'sk'],
  cookie: ['sock', '__sk_common.skc_cookie.counter'],
  mark: ['sock', 'sk_mark'],
  sendUnacknowledged: ['tcp_sock', 'snd_una'],
  receiveNext: ['tcp_sock', 'rcv_nxt'],
  receiveWindow: ['tcp_sock', 'rcv_wnd'],
  timestampOffset: ['tcp_sock', 'tsoffset'],
  recentTimestamp: ['tcp_sock', 'rx_opt.ts_recent'],
  hasTimestamps: ['tcp_sock', 'rx_opt.tstamp_ok'],
  windowScale: ['tcp_sock', 'rx_opt.rcv_wscale'],
  timeToLive: ['tcp_sock', 'inet_conn.icsk_inet.uc_ttl'],
  typeOfService: ['tcp_sock', 'inet_conn.icsk_inet.tos'],
} as const satisfies Record<string, MemberPath>;

/** Members that a kernel may lack: IPv6, signatures (RFC 2385, RFC 5925), and timestamps in microseconds (since 6.7). */
const optionalMembers = {
  ipv6: ['tcp_sock', 'inet_conn.icsk_inet.pinet6'],
  hopLimit: ['ipv6_pinfo', 'hop_limit'],
  trafficClass: ['ipv6_pinfo', 'tclass'],
  hasMicroseconds: ['tcp_sock', 'tcp_usec_ts'],
  md5: ['tcp_sock', 'md5sig_info'],
  authentication: ['tcp_sock', 'ao_info'],
} as const satisfies Record<string, MemberPath>;

type Field = Exclude<keyof typeof segmentRecord, 'words'>;

type Places = Readonly<
  Record<keyof typeof members, KernelMember> & Partial<Record<keyof typeof optionalMembers, KernelMember>>
>;

/** Writes one {@link segmentRecord} for every descriptor of a TCP socket. */
export function segmentProgram(places: Places): BpfProgramItem[] {
  const { sock, tcpSock } = found;
  const at = (field: Field) => offsetInRecord(segmentRecord.words, segmentRecord[field]);
  const copy = (from: BpfRegister, field: Field & keyof Places, size: 'u32' | 'u64' = 'u32') => {
    const place = places[field];
    if (place === undefined) return [];
    return [load(place.size, 'r1', from, place.offset), store(size, 'r10', at(field), 'r1')];
  };
  const noteSignature = (place: KernelMember | undefined, name: string) =>
    place === undefined
      ? []
      : [
          load('u64', 'r1', tcpSock, place.offset),
          jumpIf('r1', '==', 0, name),
          store('u32', 'r10', at('isSigned'), 1),
          label(name),
        ];
  return [
    ...socketFileOrEnd,
    ...tcpSocketOr('end', places.sk),
    ...clearRecord(segmentRecord.words),
    ...copy(sock, 'cookie', 'u64'),
    ...copy(sock, 'mark'),
    ...copy(tcpSock, 'sendUnacknowledged'),
    ...copy(tcpSock, 'receiveNext'),
    ...copy(tcpSock, 'receiveWindow'),
    ...copy(tcpSock, 'timestampOffset'),
    ...copy(tcpSock, 'recentTimestamp'),
    ...copy(tcpSock, 'hasTimestamps'),
    ...copy(tcpSock, 'windowScale'),
    ...copy(tcpSock, 'hasMicroseconds'),
    ...copy(tcpSock, 'timeToLive'),
    ...copy(tcpSock, 'typeOfService'),
    ...noteSignature(places.md5, 'no-md5'),
    ...noteSignature(places.authentication, 'no-authentication'),
    // Memory behind a NULL pointer, such as an IPv4 socket's, reads as zeros.
    ...(places.ipv6 === undefined
      ? []
      : [load('u64', 'r9', tcpSock, places.ipv6.offset), ...copy('r9', 'hopLimit'), ...copy('r9', 'trafficClass')]),
    call(ktimeGetNs),
    store('u64', 'r10', at('time'), 'r0'),
    ...writeRecord(segmentRecord.words),
    ...end,
  ];
}

/** The header fields that a segment of a connection must have for the peer to answer. */
export interface SegmentState {
  readonly sendUnacknowledged: number;
  readonly receiveNext: number;
  /** As it stands in the header, scaled. */
  readonly window: number;
  readonly timestamps: { readonly value: number; readonly echo: number } | undefined;
  readonly mark: number;
  /** `undefined`: the socket has none of its own. */
  readonly timeToLive: number | undefined;
  readonly hopLimit: number | undefined;
  readonly typeOfService: number;
  readonly trafficClass: number;
  /** Whether each segment carries a signature, which needs the connection's key. */
  readonly isSigned: boolean;
}

/** -1 in a signed member of 8 to 32 bits: the default of the route. */
function ownLimit(value: number): number | undefined {
  return value > 0 && value < 256 ? value : undefined;
}

/** The states of the open sockets of all network namespaces at one moment, by cookie. */
export class SegmentStates {
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #index: RecordIndex;
  readonly #places: Places;
  readonly #readAfter: bigint;

  /** `readAfter`: the time before the reading began (`process.hrtime.bigint()`). */
  constructor(words: Int32Array, places: Places, readAfter: bigint) {
    this.#readAfter = readAfter;
    this.#words = words;
    this.#view = new DataView(words.buffer, words.byteOffset, words.byteLength);
    this.#places = places;
    this.#index = new RecordIndex(words, segmentRecord.words);
  }

  /** The state of a socket, its timestamp as of now; `undefined` if no process has the socket open. */
  get(cookie: bigint): SegmentState | undefined {
    const row = this.#index.first(cookie) * segmentRecord.words;
    if (row < 0) return undefined;
    const word = (field: Field) => (this.#words[row + segmentRecord[field]] as number) >>> 0;
    const bitField = (field: 'hasTimestamps' | 'windowScale' | 'hasMicroseconds') => {
      const { shift, bits } = this.#places[field] ?? { shift: 0, bits: 0 };
      return bits === 0 ? word(field) : (word(field) >>> shift) & (2 ** bits - 1);
    };
    return {
      sendUnacknowledged: word('sendUnacknowledged'),
      receiveNext: word('receiveNext'),
      window: Math.min(0xffff, word('receiveWindow') >>> bitField('windowScale')),
      timestamps:
        bitField('hasTimestamps') === 0
          ? undefined
          : {
              value: this.#clock(row, bitField('hasMicroseconds') !== 0) + word('timestampOffset'),
              echo: word('recentTimestamp'),
            },
      mark: word('mark'),
      timeToLive: ownLimit(word('timeToLive')),
      hopLimit: ownLimit(word('hopLimit')),
      typeOfService: word('typeOfService') & 0xff,
      trafficClass: word('trafficClass') & 0xff,
      isSigned: word('isSigned') !== 0,
    };
  }

  /**
   * Returns the present time of the kernel's clock for timestamps (include/net/tcp.h, tcp_clock_ts), or a little later: since
   * Linux 6.15 a peer drops an older timestamp without an answer (net/ipv4/tcp_input.c, tcp_disordered_ack_check).
   */
  #clock(row: number, hasMicroseconds: boolean): number {
    const then = this.#view.getBigUint64((row + segmentRecord.time) * wordLength, true);
    const now = then + process.hrtime.bigint() - this.#readAfter;
    return Number((now / (hasMicroseconds ? 1000n : 1_000_000n)) & 0xffff_ffffn);
  }
}

interface Target {
  readonly functionId: number;
  readonly places: Places;
}

const feature = 'asking peers from beside their connections';

function findTarget(): Target {
  const functionId = kernelTypes().functionId('bpf_iter_task_file');
  if (functionId === undefined) throw new UnsupportedError(feature, 'Linux 5.11, and bpf_iter_task_file in its BTF');
  return { functionId, places: { ...findMembers(optionalMembers), ...requireMembers(members, feature) } };
}

let known: Target | undefined;

/**
 * Reads the {@link SegmentState} of every TCP socket that any process has open, in all network namespaces, through a program
 * that the kernel runs for each open file. Changes nothing on the sockets.
 *
 * Needs CAP_BPF and CAP_PERFMON.
 *
 * @throws {SystemCallError} EPERM without the capabilities.
 * @throws {UnsupportedError} if the kernel does not tell where its sockets have these numbers.
 */
export function readSegmentStates(): SegmentStates {
  known ??= findTarget();
  const { functionId, places } = known;
  const readAfter = process.hrtime.bigint();
  using link = BpfLink.toIterator({ name: 'keepalive_state', functionId, items: segmentProgram(places) });
  return new SegmentStates(recordsOf(link, segmentRecord.words), places, readAfter);
}
