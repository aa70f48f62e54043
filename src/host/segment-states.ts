import { UnsupportedError } from '../native/errors.js';
import { bpfHelpers } from '../wire/bpf-helpers.js';
import {
  arithmetic,
  type BpfProgramItem,
  type BpfRegister,
  call,
  exit,
  jumpIf,
  label,
  load,
  mov,
  store,
} from '../wire/bpf-instructions.js';
import { kernelTypes, linkIterator, recordsOf } from './iterator.js';
import { findMembers, type KernelMember, type MemberPath, requireMembers } from './kernel-members.js';
import { CookieIndex } from './options/option-table.js';

const { ktimeGetNs, seqWrite, skcToTcpSock, sockFromFile } = bpfHelpers;

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

type Places = Readonly<
  Record<keyof typeof members, KernelMember> & Partial<Record<keyof typeof optionalMembers, KernelMember>>
>;

const wordLength = 4;
const at = -segmentRecord.words * wordLength;

/**
 * Writes one {@link segmentRecord} for every descriptor of a TCP socket. Its context is that of the iterator of open
 * files (see owners/file-iterator.ts).
 */
export function segmentProgram(places: Places): BpfProgramItem[] {
  type Field = keyof typeof segmentRecord & keyof Places;
  const copy = (from: BpfRegister, field: Field, size: 'u32' | 'u64' = 'u32') => {
    const place = places[field];
    if (place === undefined) return [];
    return [
      load(place.size, 'r1', from, place.offset),
      store(size, 'r10', at + segmentRecord[field] * wordLength, 'r1'),
    ];
  };
  const noteSignature = (place: KernelMember | undefined, name: string) =>
    place === undefined
      ? []
      : [
          load('u64', 'r1', 'r8', place.offset),
          jumpIf('r1', '==', 0, name),
          store('u32', 'r10', at + segmentRecord.isSigned * wordLength, 1),
          label(name),
        ];
  return [
    load('u64', 'r6', 'r1', 0),
    load('u64', 'r1', 'r1', 24),
    jumpIf('r1', '==', 0, 'end'),
    call(sockFromFile),
    jumpIf('r0', '==', 0, 'end'),
    load('u64', 'r7', 'r0', places.sk.offset),
    jumpIf('r7', '==', 0, 'end'),
    mov('r1', 'r7'),
    call(skcToTcpSock),
    jumpIf('r0', '==', 0, 'end'),
    mov('r8', 'r0'),
    ...Array.from({ length: segmentRecord.words / 2 }, (_, index) => store('u64', 'r10', at + index * 8, 0)),
    ...copy('r7', 'cookie', 'u64'),
    ...copy('r7', 'mark'),
    ...copy('r8', 'sendUnacknowledged'),
    ...copy('r8', 'receiveNext'),
    ...copy('r8', 'receiveWindow'),
    ...copy('r8', 'timestampOffset'),
    ...copy('r8', 'recentTimestamp'),
    ...copy('r8', 'hasTimestamps'),
    ...copy('r8', 'windowScale'),
    ...copy('r8', 'hasMicroseconds'),
    ...copy('r8', 'timeToLive'),
    ...copy('r8', 'typeOfService'),
    ...noteSignature(places.md5, 'no-md5'),
    ...noteSignature(places.authentication, 'no-authentication'),
    // Memory behind a NULL pointer, such as an IPv4 socket's, reads as zeros.
    ...(places.ipv6 === undefined
      ? []
      : [load('u64', 'r9', 'r8', places.ipv6.offset), ...copy('r9', 'hopLimit'), ...copy('r9', 'trafficClass')]),
    call(ktimeGetNs),
    store('u64', 'r10', at + segmentRecord.time * wordLength, 'r0'),
    load('u64', 'r1', 'r6', 0),
    mov('r2', 'r10'),
    arithmetic('add', 'r2', at),
    mov('r3', segmentRecord.words * wordLength),
    call(seqWrite),
    label('end'),
    mov('r0', 0),
    exit(),
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
  readonly #index: CookieIndex;
  readonly #places: Places;
  readonly #readAfter: bigint;

  /** `readAfter`: the time before the reading began (`process.hrtime.bigint()`). */
  constructor(words: Int32Array, places: Places, readAfter: bigint) {
    this.#readAfter = readAfter;
    this.#words = words;
    this.#view = new DataView(words.buffer, words.byteOffset, words.byteLength);
    this.#places = places;
    const keys = new Uint32Array(words.buffer, words.byteOffset, words.length);
    this.#index = new CookieIndex(keys, words.length / segmentRecord.words, segmentRecord.words);
  }

  /** The state of a socket, its timestamp as of now; `undefined` if no process has the socket open. */
  get(cookie: bigint): SegmentState | undefined {
    const row = this.#index.row(cookie) * segmentRecord.words;
    if (row < 0) return undefined;
    const word = (field: Exclude<keyof typeof segmentRecord, 'words'>) =>
      (this.#words[row + segmentRecord[field]] as number) >>> 0;
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
  using link = linkIterator({ name: 'keepalive_state', functionId, items: segmentProgram(places) });
  return new SegmentStates(recordsOf(link, segmentRecord.words), places, readAfter);
}
