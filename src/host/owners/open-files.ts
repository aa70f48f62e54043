import { readlinkSync } from 'node:fs';
import { recordsOf } from '../../native/bpf/iterator.js';
import { findMembers, type KernelMember, requireMembers } from '../../native/bpf/kernel-members.js';
import { kernelTypes } from '../../native/bpf/kernel-types.js';
import { BpfLink } from '../../native/bpf/link.js';
import { UnsupportedError } from '../../native/errors.js';
import { stated } from '../../policy/settings.js';
import { kernelDefaults } from '../../socket/kernel-defaults.js';
import type { KeepAliveState } from '../../socket/state.js';
import { type BpfProgramItem, type BpfRegister, label, load, store } from '../../wire/bpf/instructions.js';
import { found, socketFileOrEnd, tcpSocketOr } from '../../wire/bpf/open-files.js';
import { clearRecord, end, offsetInRecord, writeRecord } from '../../wire/bpf/records.js';
import { currentNamespace } from '../dump/dump.js';
import { RecordIndex } from '../record-index.js';
import type { OwnersByInode, SocketOwner } from './owners.js';
import type { HostProcess } from './processes.js';

/** `SOCK_KEEPOPEN` of `enum sock_flags` in include/net/sock.h, as a bit. */
const keepOpen = 1 << 3;

/**
 * The record that the program writes for each descriptor of a socket, in 32-bit words. From `cookie` on, only a TCP socket
 * has more than zeros. Times are jiffies, but the user timeout is in milliseconds; 0 stands for the default of the network
 * namespace. Kernels before 6.15 have no `rtoMax`. Options depend on the words from `flags` on alone.
 */
export const openFileRecord = {
  pid: 0,
  fd: 1,
  inode: 2,
  cookie: 4,
  netns: 6,
  flags: 7,
  idle: 8,
  interval: 9,
  count: 10,
  userTimeout: 11,
  defaultIdle: 12,
  defaultInterval: 13,
  defaultCount: 14,
  rtoMax: 15,
  words: 16,
} as const;

type Field = Exclude<keyof typeof openFileRecord, 'words'>;

/** The members that the program reads, each by its struct and the names on the way to the member. */
const members = {
  pid: ['task_struct', 'tgid'],
  file: ['file', 'f_inode'],
  inode: ['inode', 'i_ino'],
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

/** The offsets and sizes of what the program reads. */
export type OpenFileMembers = Readonly<
  Record<keyof typeof members, Place> & Partial<Record<keyof typeof newMembers, Place>>
>;

/** Writes one {@link openFileRecord} for every descriptor of a socket. */
export function openFileProgram(at: OpenFileMembers): BpfProgramItem[] {
  const { task, fd, file, sock, tcpSock } = found;
  const read = (to: BpfRegister, from: BpfRegister, member: keyof OpenFileMembers) => {
    const { size, offset } = at[member] as Place;
    return load(size, to, from, offset);
  };
  const put = (field: Field, from: BpfRegister, size: 'u32' | 'u64' = 'u32') =>
    store(size, 'r10', offsetInRecord(openFileRecord.words, openFileRecord[field]), from);
  const copy = (from: BpfRegister, field: Field & keyof OpenFileMembers, size?: 'u64') => [
    read('r1', from, field),
    put(field, 'r1', size),
  ];
  return [
    ...socketFileOrEnd,
    ...clearRecord(openFileRecord.words),
    ...copy(task, 'pid'),
    put('fd', fd),
    read('r1', file, 'file'),
    ...copy('r1', 'inode', 'u64'),
    ...tcpSocketOr('write', at.sk),
    ...copy(sock, 'cookie', 'u64'),
    ...copy(sock, 'flags'),
    ...copy(tcpSock, 'idle'),
    ...copy(tcpSock, 'interval'),
    ...copy(tcpSock, 'count'),
    ...copy(tcpSock, 'userTimeout'),
    ...(at.rtoMax === undefined ? [] : copy(tcpSock, 'rtoMax')),
    read('r9', sock, 'net'),
    ...copy('r9', 'netns'),
    ...copy('r9', 'defaultIdle'),
    ...copy('r9', 'defaultInterval'),
    ...copy('r9', 'defaultCount'),
    label('write'),
    ...writeRecord(openFileRecord.words),
    ...end,
  ];
}

const feature = 'reading all open sockets at once';

function unsupported(requires: string): UnsupportedError {
  return new UnsupportedError(feature, requires);
}

let known: { readonly functionId: number; readonly members: OpenFileMembers } | undefined;

/** PROC_PID_INIT_INO of include/linux/proc_ns.h: the namespace in whose terms the kernel itself counts processes. */
const initialNamespace = 'pid:[4026531836]';

/** Returns whether this process, and the /proc that it sees, have the same ids for processes as the kernel itself. */
export function hasKernelPids(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === initialNamespace;
  } catch {
    return false;
  }
}

/** The descriptors of sockets of all processes, and the options of those that are TCP sockets, at one moment. */
export class OpenFiles {
  readonly #words: Int32Array;

  /** `words` holds {@link openFileRecord}s. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  #word(row: number, field: Field): number {
    return this.#words[row * openFileRecord.words + openFileRecord[field]] as number;
  }

  /**
   * Returns the owners of sockets by inode. An owner is made when it is asked for.
   *
   * @param processOf Returns a process; undefined for a process that has ended, which owns nothing.
   * @param inodes The sockets to find. Default: all, also of other kinds than TCP.
   */
  owners(processOf: (pid: number) => HostProcess | undefined, inodes?: ReadonlySet<number>): OwnersByInode {
    const index = new RecordIndex(
      this.#words,
      openFileRecord.words,
      openFileRecord.inode,
      inodes && ((inode) => inodes.has(inode)),
    );
    const ownersFrom = (first: number) => {
      const owners: SocketOwner[] = [];
      for (let row = first; row >= 0; row = index.next(row)) this.#insert(owners, row, processOf);
      return owners;
    };
    const get = (inode: number) => {
      const first = index.firstOfWord(inode);
      return first < 0 ? undefined : ownersFrom(first);
    };
    const inodeOf = (row: number) => this.#word(row, 'inode') >>> 0;
    const entries = function* () {
      for (const row of index) yield [inodeOf(row), ownersFrom(row)] as const;
    };
    return { get, size: index.size, [Symbol.iterator]: entries };
  }

  /** Adds an owner by the first descriptor. Processes come in order, except threads that have their files to themselves. */
  #insert(owners: SocketOwner[], row: number, processOf: (pid: number) => HostProcess | undefined): void {
    const pid = this.#word(row, 'pid');
    const last = owners.at(-1)?.pid ?? 0;
    if (pid === last) return;
    const process = processOf(pid);
    if (process === undefined) return;
    const index = pid > last ? owners.length : owners.findIndex((other) => other.pid >= pid);
    if (owners[index]?.pid !== pid) owners.splice(index, 0, { ...process, fd: this.#word(row, 'fd') });
  }

  /**
   * Returns the options of TCP sockets by cookie.
   *
   * @throws {UnsupportedError} if the length of a jiffy cannot be told.
   */
  options(): { get(cookie: bigint): KeepAliveState | undefined } {
    const hz = this.#jiffiesPerSecond();
    const index = new RecordIndex(this.#words, openFileRecord.words, openFileRecord.cookie);
    // In whole seconds, as getsockopt returns them.
    const milliseconds = (jiffies: number) => Math.floor(jiffies / hz) * 1000;
    const rtoMaxOf = (jiffies: number) => {
      const rtoMax = stated('rtoMax', Math.round((jiffies * 1000) / hz));
      return known?.members.rtoMax === undefined || rtoMax === undefined ? {} : { rtoMax };
    };
    // Most sockets have the same few options as the one before.
    let last: { readonly row: number; readonly state: KeepAliveState } | undefined;
    const get = (cookie: bigint) => {
      const row = index.first(cookie);
      if (row < 0) return undefined;
      if (last === undefined || !this.#hasSameOptions(row, last.row)) last = { row, state: stateOf(row) };
      return last.state;
    };
    const stateOf = (row: number): KeepAliveState => {
      const word = (field: Field) => this.#word(row, field);
      return {
        enabled: (word('flags') & keepOpen) !== 0,
        idle: milliseconds(word('idle') || word('defaultIdle')),
        interval: milliseconds(word('interval') || word('defaultInterval')),
        count: word('count') || word('defaultCount'),
        userTimeout: word('userTimeout'),
        ...rtoMaxOf(word('rtoMax')),
      };
    };
    return { get };
  }

  /** Compares the words from `flags` to the last one, which are all that options depend on. */
  #hasSameOptions(row: number, other: number): boolean {
    const { flags, words } = openFileRecord;
    for (let word = flags; word < words; word += 1) {
      if (this.#words[row * words + word] !== this.#words[other * words + word]) return false;
    }
    return true;
  }

  /**
   * Returns how many jiffies a second has, which no kernel says: compares the defaults of a namespace in jiffies, as its
   * sockets show them, with the same defaults in seconds, as its sysctls show them.
   */
  #jiffiesPerSecond(): number {
    const own = currentNamespace();
    const rows = this.#words.length / openFileRecord.words;
    for (let row = 0; row < rows; row += 1) {
      if (this.#word(row, 'netns') >>> 0 !== own) continue;
      const { idle, interval, count } = kernelDefaults();
      const hz = (this.#word(row, 'defaultIdle') * 1000) / idle;
      const agrees =
        Number.isInteger(hz) &&
        this.#word(row, 'defaultInterval') * 1000 === hz * interval &&
        this.#word(row, 'defaultCount') === count;
      if (agrees) return hz;
      throw unsupported("a kernel whose sockets show the sysctls' values");
    }
    throw unsupported('a TCP socket in the network namespace of this process, to compare with its sysctls');
  }
}

/**
 * Reads every descriptor of a socket in every process, and the options of those that are TCP sockets, in all network
 * namespaces, through a program that the kernel runs for each open file. Takes no copy, no lock and no reference.
 *
 * Needs CAP_BPF and CAP_PERFMON. Process ids are the kernel's own ({@link hasKernelPids}). Processes come by the lowest id
 * of their threads, the descriptors of each in order.
 *
 * @throws {SystemCallError} EPERM without the capabilities.
 * @throws {UnsupportedError} if the kernel has no such iterator, or does not tell where its sockets have their options.
 */
export function readOpenFiles(): OpenFiles {
  if (known === undefined) {
    const functionId = kernelTypes().functionId('bpf_iter_task_file');
    if (functionId === undefined) throw unsupported('Linux 5.11, and bpf_iter_task_file in its BTF');
    known = { functionId, members: { ...requireMembers(members, feature), ...findMembers(newMembers) } };
  }
  const { functionId } = known;
  using link = BpfLink.toIterator({ name: 'keepalive_files', functionId, items: openFileProgram(known.members) });
  return new OpenFiles(recordsOf(link, openFileRecord.words));
}
