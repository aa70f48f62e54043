import { readlinkSync } from 'node:fs';
import { recordsOf } from '../../native/bpf/iterator.js';
import { kernelTypes } from '../../native/bpf/kernel-types.js';
import { BpfLink } from '../../native/bpf/link.js';
import { UnsupportedError } from '../../native/errors.js';
import { type BpfProgramItem, load, store } from '../../wire/bpf/instructions.js';
import { found, socketFileOrEnd } from '../../wire/bpf/open-files.js';
import { end, offsetInRecord, writeRecord } from '../../wire/bpf/records.js';

/** What the program writes of each descriptor of a socket, in 32-bit words; the inode is the lower half of its number. */
export const socketRecord = { pid: 0, fd: 1, inode: 2, words: 4 } as const;

/** Where the kernel has what the program reads, in bytes. */
interface Offsets {
  /** The process's id in `struct task_struct`. */
  readonly tgid: number;
  /** The inode in `struct file`. */
  readonly inode: number;
  /** The inode's number in `struct inode`. */
  readonly number: number;
}

/** Writes one {@link socketRecord} for every descriptor of a socket. */
export function socketProgram(offsets: Offsets): BpfProgramItem[] {
  const at = (word: number) => offsetInRecord(socketRecord.words, word);
  return [
    ...socketFileOrEnd,
    load('u32', 'r1', found.task, offsets.tgid),
    store('u32', 'r10', at(socketRecord.pid), 'r1'),
    store('u32', 'r10', at(socketRecord.fd), found.fd),
    load('u64', 'r1', found.file, offsets.inode),
    load('u64', 'r1', 'r1', offsets.number),
    store('u64', 'r10', at(socketRecord.inode), 'r1'),
    ...writeRecord(socketRecord.words),
    ...end,
  ];
}

interface Target {
  readonly functionId: number;
  readonly offsets: Offsets;
}

let known: Target | undefined;

/** The parameters of bpf_iter_task_file, as of its context. */
const parameters = { task: 1, file: 3 } as const;

function findTarget(): Target {
  const types = kernelTypes();
  const functionId = types.functionId('bpf_iter_task_file');
  const task = functionId && types.parameterType(functionId, parameters.task);
  const file = functionId && types.parameterType(functionId, parameters.file);
  const tgid = task && types.member(task, 'tgid');
  const inode = file && types.member(file, 'f_inode');
  const number = inode && types.member(inode.type, 'i_ino');
  if (!functionId || !tgid || !inode || !number) {
    throw new UnsupportedError('the iterator of open files', 'Linux 5.11, and bpf_iter_task_file in its BTF');
  }
  return { functionId, offsets: { tgid: tgid.offset, inode: inode.offset, number: number.offset } };
}

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

/**
 * Finds every descriptor of a socket in every process, through a program that the kernel runs for each open file.
 *
 * Needs CAP_BPF and CAP_PERFMON, and process ids that are the kernel's own ({@link hasKernelPids}). The processes come
 * by the lowest id of their threads, the descriptors of each in order; a thread that has its files to itself comes
 * after.
 *
 * @throws {SystemCallError} EPERM without the capabilities.
 * @throws {UnsupportedError} if the kernel has no type information or no such iterator.
 */
export function readSocketFiles(): Int32Array {
  known ??= findTarget();
  const { functionId, offsets } = known;
  using link = BpfLink.toIterator({ name: 'keepalive_files', functionId, items: socketProgram(offsets) });
  return recordsOf(link, socketRecord.words);
}
