import { recordsOf } from '../../native/bpf/iterator.js';
import { findMembers, type KernelMember, requireMembers } from '../../native/bpf/kernel-members.js';
import { kernelTypes } from '../../native/bpf/kernel-types.js';
import { BpfLink } from '../../native/bpf/link.js';
import { UnsupportedError } from '../../native/errors.js';
import { limits } from '../../policy/policy.js';
import { kernelDefaults } from '../../socket/kernel-defaults.js';
import type { KeepAliveState } from '../../socket/state.js';
import { type BpfProgramItem, type BpfRegister, load, store } from '../../wire/bpf/instructions.js';
import { found, tcpFileOrEnd } from '../../wire/bpf/open-files.js';
import { end, offsetInRecord, writeRecord } from '../../wire/bpf/records.js';
import { currentNamespace } from '../dump/dump.js';
import { CookieIndex } from './cookie-index.js';

/** `SOCK_KEEPOPEN` of `enum sock_flags` in include/net/sock.h, as a bit. */
const keepOpen = 1 << 3;

/**
 * What the program writes of each descriptor of a TCP socket, in 32-bit words. Times are jiffies but for the user
 * timeout, which is milliseconds; `rtoMax` only means something on kernels that have it (6.15); 0 stands for the default of the network namespace.
 */
export const openSocketRecord = {
  cookie: 0,
  flags: 2,
  idle: 3,
  interval: 4,
  count: 5,
  userTimeout: 6,
  netns: 7,
  defaultIdle: 8,
  defaultInterval: 9,
  defaultCount: 10,
  rtoMax: 11,
  words: 12,
} as const;

/** The members that the program reads, each by its struct and the names on the way to it. */
const members = {
  sk: ['socket', 'sk'],
  cookie: ['sock', '__sk_common.skc_cookie.counter'],
  net: ['sock', '__sk_common.skc_net.net'],
  flags: ['sock', '__sk_common.skc_flags'],
  idle: ['tcp_sock', 'keepalive_time'],
  interval: ['tcp_sock', 'keepalive_intvl'],
  count: ['tcp_sock', 'keepalive_probes'],
  userTimeout: ['tcp_sock', 'inet_conn.icsk_user_timeout'],
  netns: ['net', 'ns.inum'],
  defaultIdle: ['net', 'ipv4.sysctl_tcp_keepalive_time'],
  defaultInterval: ['net', 'ipv4.sysctl_tcp_keepalive_intvl'],
  defaultCount: ['net', 'ipv4.sysctl_tcp_keepalive_probes'],
} as const;

/** The members that only new kernels have. */
const newMembers = { rtoMax: ['tcp_sock', 'inet_conn.icsk_rto_max'] } as const;

type Place = Pick<KernelMember, 'offset' | 'size'>;

/** Where the kernel has what the program reads. */
export type SocketMembers = Readonly<
  Record<keyof typeof members, Place> & Partial<Record<keyof typeof newMembers, Place>>
>;

/** Writes one {@link openSocketRecord} for every descriptor of a TCP socket. */
export function openSocketProgram(places: SocketMembers): BpfProgramItem[] {
  const { sock, tcpSock } = found;
  const read = (to: BpfRegister, from: BpfRegister, member: keyof SocketMembers) =>
    load((places[member] as Place).size, to, from, (places[member] as Place).offset);
  const copy = (
    from: BpfRegister,
    field: Exclude<keyof typeof openSocketRecord, 'words'>,
    size: 'u32' | 'u64' = 'u32',
  ) => [
    read('r1', from, field),
    store(size, 'r10', offsetInRecord(openSocketRecord.words, openSocketRecord[field]), 'r1'),
  ];
  return [
    ...tcpFileOrEnd(places.sk),
    ...copy(sock, 'cookie', 'u64'),
    ...copy(sock, 'flags'),
    ...copy(tcpSock, 'idle'),
    ...copy(tcpSock, 'interval'),
    ...copy(tcpSock, 'count'),
    ...copy(tcpSock, 'userTimeout'),
    read('r9', sock, 'net'),
    ...copy('r9', 'netns'),
    ...copy('r9', 'defaultIdle'),
    ...copy('r9', 'defaultInterval'),
    ...copy('r9', 'defaultCount', 'u64'),
    ...(places.rtoMax === undefined ? [] : copy(tcpSock, 'rtoMax')),
    ...writeRecord(openSocketRecord.words),
    ...end,
  ];
}

interface Target {
  readonly functionId: number;
  readonly places: SocketMembers;
}

const feature = 'reading the options of all open sockets at once';

function unsupported(requires: string): UnsupportedError {
  return new UnsupportedError(feature, requires);
}

function findTarget(): Target {
  const functionId = kernelTypes().functionId('bpf_iter_task_file');
  if (functionId === undefined) throw unsupported('Linux 5.11, and bpf_iter_task_file in its BTF');
  return { functionId, places: { ...requireMembers(members, feature), ...findMembers(newMembers) } };
}

let known: Target | undefined;

/**
 * How many jiffies a second has, which no kernel says: from the defaults of a namespace in jiffies, as its sockets show
 * them, and in seconds, as its sysctls do.
 */
function jiffiesPerSecond(words: Int32Array): number {
  const own = currentNamespace();
  const { idle, interval, count } = kernelDefaults();
  for (let row = 0; row < words.length; row += openSocketRecord.words) {
    if ((words[row + openSocketRecord.netns] as number) >>> 0 !== own) continue;
    const hz = ((words[row + openSocketRecord.defaultIdle] as number) * 1000) / idle;
    const agrees =
      Number.isInteger(hz) &&
      (words[row + openSocketRecord.defaultInterval] as number) * 1000 === hz * interval &&
      words[row + openSocketRecord.defaultCount] === count;
    if (agrees) return hz;
    throw unsupported("a kernel whose sockets show the sysctls' values");
  }
  throw unsupported('a TCP socket in the network namespace of this process, to compare with its sysctls');
}

/** The options of the open sockets of all network namespaces, by cookie. */
export class OpenSockets {
  readonly #words: Int32Array;
  readonly #index: CookieIndex;
  readonly #hz: number;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#hz = jiffiesPerSecond(words);
    const keys = new Uint32Array(words.buffer, words.byteOffset, words.length);
    this.#index = new CookieIndex(keys, words.length / openSocketRecord.words, openSocketRecord.words);
  }

  get(cookie: bigint): KeepAliveState | undefined {
    const row = this.#index.row(cookie) * openSocketRecord.words;
    if (row < 0) return undefined;
    const word = (field: Exclude<keyof typeof openSocketRecord, 'words'>) =>
      this.#words[row + openSocketRecord[field]] as number;
    const hasRtoMax = known?.places.rtoMax !== undefined;
    const rtoMax = hasRtoMax ? Math.round((word('rtoMax') * 1000) / this.#hz) : undefined;
    return {
      enabled: (word('flags') & keepOpen) !== 0,
      idle: this.#milliseconds(word('idle') || word('defaultIdle')),
      interval: this.#milliseconds(word('interval') || word('defaultInterval')),
      count: word('count') || word('defaultCount'),
      userTimeout: word('userTimeout'),
      ...(rtoMax === undefined || rtoMax === limits.rtoMax.unstated ? {} : { rtoMax }),
    };
  }

  /** In whole seconds, as the kernel answers getsockopt. */
  #milliseconds(jiffies: number): number {
    return Math.floor(jiffies / this.#hz) * 1000;
  }
}

/**
 * Reads the options of every TCP socket that any process has open, in all network namespaces, through a program that the
 * kernel runs for each open file. It takes nothing from the sockets but a look: no copy, no lock, no reference.
 *
 * Needs CAP_BPF and CAP_PERFMON.
 *
 * @throws {SystemCallError} EPERM without the capabilities.
 * @throws {UnsupportedError} if the kernel does not tell where its sockets have their options.
 */
export function readOpenSockets(): OpenSockets {
  known ??= findTarget();
  const { functionId, places } = known;
  using link = BpfLink.toIterator({ name: 'keepalive_open', functionId, items: openSocketProgram(places) });
  return new OpenSockets(recordsOf(link, openSocketRecord.words));
}
