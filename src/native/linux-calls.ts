import { codeOfErrno, SystemCallError, UnsupportedError } from './errors.js';
import { ffi } from './ffi.js';
import { libc, type Memory } from './libc.js';

/** The calls that only Linux has, or that this package makes on Linux only. Each call returns -1 on failure. */
interface LinuxCalls {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, length: number): number;
  send(fd: number, data: Memory, length: number, flags: number): number;
  sendto(fd: number, data: Memory, length: number, flags: number, address: Memory, addressLength: number): number;
  recv(fd: number, buffer: Memory, length: number, flags: number): number;
  read(fd: number, buffer: Memory, length: number): number;
  open(path: string, flags: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  getdents64(number: number, fd: number, entries: bigint, length: number): number;
  readlinkat(directory: number, name: bigint, link: bigint, length: number): number;
  mmap(address: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  close(fd: number): number;
  getsockname(fd: number, name: Memory, length: Memory): number;
  getpeername(fd: number, name: Memory, length: Memory): number;
  setns(fd: number, type: number): number;
  flock(fd: number, operation: number): number;
  ioctl(fd: number, request: number, argument: Memory): number;
  bpf(number: number, command: number, attributes: Memory, size: number): number;
  pidfdOpen(number: number, pid: number, flags: number): number;
  pidfdGetfd(number: number, pidfd: number, fd: number, flags: number): number;
}

let loaded: LinuxCalls | undefined;

/**
 * Returns the Linux calls of the C library.
 *
 * @throws {UnsupportedError} on other platforms, and if the FFI cannot be loaded.
 */
export function linuxCalls(): LinuxCalls {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') throw new UnsupportedError("the machine's connections", 'Linux');
  libc();
  const library = ffi().load(null);
  loaded = {
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, const void *, uint32_t)'),
    send: library.func('long send(int, const void *, size_t, int)'),
    sendto: library.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)'),
    recv: library.func('long recv(int, void *, size_t, int)'),
    read: library.func('long read(int, void *, size_t)'),
    open: library.func('int open(const char *, int)'),
    lseek: library.func('int64_t lseek(int, int64_t, int)'),
    getdents64: library.func('syscall', 'long', ['long', 'int', 'void *', 'size_t']),
    readlinkat: library.func('long readlinkat(int, const void *, void *, size_t)'),
    mmap: library.func('void *mmap(void *, size_t, int, int, int, int64_t)'),
    close: library.func('int close(int)'),
    getsockname: library.func('int getsockname(int, void *, void *)'),
    getpeername: library.func('int getpeername(int, void *, void *)'),
    setns: library.func('int setns(int, int)'),
    flock: library.func('int flock(int, int)'),
    ioctl: library.func('int ioctl(int, ulong, void *)'),
    bpf: library.func('syscall', 'long', ['long', 'int', 'void *', 'uint']),
    pidfdOpen: library.func('syscall', 'long', ['long', 'int', 'uint']),
    pidfdGetfd: library.func('syscall', 'long', ['long', 'int', 'int', 'uint']),
  };
  return loaded;
}

/**
 * Returns the result of a call.
 *
 * @param detail What was attempted and what to do, for the message.
 * @throws {SystemCallError} with the call's errno if the result is negative.
 */
export function checked(result: number, syscall: string, detail: string): number {
  if (result >= 0) return result;
  throw new SystemCallError(syscall, codeOfErrno(libc().errno()), detail);
}

/** Closes a descriptor that this process opened. */
export function closeDescriptor(fd: number): void {
  linuxCalls().close(fd);
}

/** The number of bpf(2) by architecture, from arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
export const bpfNumber: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

/** pidfd_open(2), since Linux 5.3, and pidfd_getfd(2), since 5.6: one number on every architecture. */
export const pidfdOpenNumber = 434;
export const pidfdGetfdNumber = 438;
