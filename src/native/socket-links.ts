import { readdirSync } from 'node:fs';
import { codeOfErrno, SystemCallError } from './errors.js';
import { libc } from './libc.js';
import { checked, linuxCalls } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';

/** Called for each socket among a process's descriptors. */
export type SocketVisitor = (inode: number, fd: number) => void;

/** getdents64(2) from arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const getdents64Number: Readonly<Record<string, number>> = { x64: 217, arm64: 61 };

// Calls are synchronous and share one set of buffers. The view of an existing ArrayBuffer never moves.
const entries = new Uint8Array(new ArrayBuffer(65_536));
const entriesView = new DataView(entries.buffer);
const name = new Uint8Array(new ArrayBuffer(16));
const link = new Uint8Array(new ArrayBuffer(64));
let addresses: { readonly entries: bigint; readonly name: bigint; readonly link: bigint } | undefined;

function fixedAddresses(): NonNullable<typeof addresses> {
  const { addressOf } = libc();
  addresses ??= { entries: addressOf(entries), name: addressOf(name), link: addressOf(link) };
  return addresses;
}

const zero = 48;

/** Writes a descriptor's number into `name`, as a string of C. */
function writeName(fd: number): void {
  let length = 1;
  for (let rest = fd; rest > 9; rest = Math.trunc(rest / 10)) length += 1;
  name[length] = 0;
  for (let rest = fd, at = length - 1; at >= 0; at -= 1) {
    name[at] = zero + (rest % 10);
    rest = Math.trunc(rest / 10);
  }
}

const prefix = new TextEncoder().encode('socket:[');

/** Returns the number in `socket:[4711]`; 0 if `link` has another text. */
function inodeInLink(length: number): number {
  for (let at = 0; at < prefix.length; at += 1) if (link[at] !== prefix[at]) return 0;
  let inode = 0;
  for (let at = prefix.length; at < length - 1; at += 1) inode = inode * 10 + (link[at] as number) - zero;
  return inode;
}

/** Reads the link of a descriptor, and visits a socket. Returns whether the descriptor is open. */
function visitLink(directory: number, fd: number, visit: SocketVisitor): boolean {
  writeName(fd);
  const at = fixedAddresses();
  const length = linuxCalls().readlinkat(directory, at.name, at.link, link.length);
  if (length < 0) {
    const code = codeOfErrno(libc().errno());
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw new SystemCallError('readlinkat', code, `descriptor ${fd} of the process may not be read`);
  }
  const inode = inodeInLink(length);
  if (inode !== 0) visit(inode, fd);
  return true;
}

/**
 * Tries the numbers from 0 on until `count` descriptors were found. Returns the first number that was not tried.
 *
 * Stops if most numbers are unused: then listing the directory is faster.
 */
function visitInTurn(directory: number, count: number, visit: SocketVisitor): number {
  let found = 0;
  let fd = 0;
  for (; found < count && fd - found <= found + 64; fd += 1) if (visitLink(directory, fd, visit)) found += 1;
  return fd;
}

/** Returns the number in an entry's name; -1 for `.` and `..`. */
function readName(at: number): number {
  let fd = 0;
  for (let digit = entries[at] as number; digit !== 0; at += 1, digit = entries[at] as number) {
    if (digit < zero) return -1;
    fd = fd * 10 + digit - zero;
  }
  return fd;
}

/** Two entries, `.` and `..`, precede the entry of descriptor 0 (fs/proc/fd.c, proc_readfd_common). */
const firstEntry = 2;
const SEEK_SET = 0;

/**
 * Lists the directory from descriptor `first` on and visits those descriptors. Its entries are, from fs/readdir.c:
 *
 *     struct linux_dirent64 {
 *       u64 d_ino;             //  0
 *       s64 d_off;
 *       unsigned short d_reclen; // 16
 *       unsigned char d_type;
 *       char d_name[];         // 19
 *     };
 */
function visitListed(directory: number, first: number, visit: SocketVisitor): void {
  const { getdents64, lseek } = linuxCalls();
  const number = getdents64Number[process.arch];
  if (number === undefined) {
    for (const name of readdirSync(`/proc/self/fd/${directory}`))
      if (Number(name) >= first) visitLink(directory, Number(name), visit);
    return;
  }
  const failed = "a process's descriptors could not be listed";
  if (first > 0) checked(lseek(directory, first + firstEntry, SEEK_SET), 'lseek', failed);
  for (;;) {
    const length = checked(
      getdents64(number, directory, fixedAddresses().entries, entries.length),
      'getdents64',
      failed,
    );
    if (length === 0) return;
    for (let at = 0; at < length; at += entriesView.getUint16(at + 16, true)) {
      const fd = readName(at + 19);
      if (fd >= first) visitLink(directory, fd, visit);
    }
  }
}

const O_CLOEXEC = 0o2000000;

/**
 * Visits the sockets of a process by the links in `directory`, which is the `/proc/PID/fd` of the process. Finds each
 * socket that stays open, even if the process opens and closes others: reads the numbers once, upwards, to the last.
 *
 * @param count The number of descriptors of the process, which is the size of the directory since 6.2 (fs/proc/fd.c); 0 if
 * unknown. Trying the numbers in turn is faster than listing them.
 * @throws {SystemCallError} ENOENT or ESRCH if the process is gone, EACCES if the process may not be read.
 */
export function visitSocketLinks(directory: string, count: number, visit: SocketVisitor): void {
  const opened = checked(linuxCalls().open(directory, O_CLOEXEC), 'open', `${directory} could not be opened`);
  using owned = new OwnedDescriptor(opened, directory);
  visitListed(owned.fd, visitInTurn(owned.fd, count, visit), visit);
}
