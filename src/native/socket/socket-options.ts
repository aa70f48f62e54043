import { codeOfErrno, SystemCallError } from '../errors.js';
import { libc } from '../libc.js';
import { callInNativeThread } from '../thread/ask.js';
import { isForwarding } from '../thread/role.js';

/** A socket option, by the arguments of `setsockopt`. */
export interface SocketOption {
  /** The kernel's name, for messages. */
  readonly name: string;
  readonly level: number;
  readonly option: number;
}

/** include/uapi/asm-generic/socket.h, since Linux 4.12. */
export const SO_COOKIE: SocketOption = { name: 'SO_COOKIE', level: 1, option: 57 };

// Calls are synchronous and share one buffer. Passing an address is faster, and safe for the view of an existing
// ArrayBuffer, which never moves. V8 may keep the elements of other small arrays on its heap, and move them.
const intValue = new Int32Array(new ArrayBuffer(4));
const valueLength = new Uint32Array(new ArrayBuffer(4));
let addresses: { readonly intValue: bigint; readonly valueLength: bigint } | undefined;

function fixedAddresses(): NonNullable<typeof addresses> {
  addresses ??= { intValue: libc().addressOf(intValue), valueLength: libc().addressOf(valueLength) };
  return addresses;
}

/** The meaning of an errno for a socket option, and what to do. */
const explanations: Readonly<Record<string, string>> = {
  EBADF: 'is not open: pass a socket that has not been closed',
  ENOTSOCK: 'is not a socket: pass a TCP socket or server',
  ENOPROTOOPT: 'has no such option: pass a TCP socket, on a kernel that knows the option',
  EOPNOTSUPP: 'has no such option: pass a TCP socket',
  EINVAL: 'does not accept this value in its present state',
  EPERM: 'needs a capability for this that the process lacks',
};

function failure(syscall: string, { name }: SocketOption, fd: number, given?: number): SystemCallError {
  const code = codeOfErrno(libc().errno());
  const value = given === undefined ? '' : ` (value ${given})`;
  const explanation = explanations[code] ?? 'refused it';
  return new SystemCallError(`${syscall}(${name})`, code, `descriptor ${fd} ${explanation}${value}`);
}

/**
 * Reads an option whose value is an int.
 *
 * @throws {SystemCallError} if the kernel refuses the call.
 * @throws {UnsupportedError} if the FFI cannot be loaded.
 */
export function readIntOption(fd: number, option: SocketOption): number {
  if (isForwarding()) return callInNativeThread('readIntOption', fd, option);
  const at = fixedAddresses();
  valueLength[0] = 4;
  if (libc().getsockopt(fd, option.level, option.option, at.intValue, at.valueLength) !== 0) {
    throw failure('getsockopt', option, fd);
  }
  return intValue[0] as number;
}

/**
 * Sets an option whose value is an int.
 *
 * @throws {SystemCallError} if the kernel refuses the value.
 * @throws {UnsupportedError} if the FFI cannot be loaded.
 */
export function writeIntOption(fd: number, option: SocketOption, value: number): void {
  if (isForwarding()) {
    callInNativeThread('writeIntOption', fd, option, value);
    return;
  }
  intValue[0] = value;
  if (libc().setsockopt(fd, option.level, option.option, fixedAddresses().intValue, 4) !== 0) {
    throw failure('setsockopt', option, fd, value);
  }
}

/** Reads options whose values are ints. Returns an error instead of each value that the kernel refuses. */
export function readIntOptions(fd: number, options: readonly SocketOption[]): (number | SystemCallError)[] {
  if (isForwarding()) return callInNativeThread('readIntOptions', fd, options);
  const { getsockopt } = libc();
  const at = fixedAddresses();
  const values: (number | SystemCallError)[] = [];
  for (const option of options) {
    valueLength[0] = 4;
    const isRead = getsockopt(fd, option.level, option.option, at.intValue, at.valueLength) === 0;
    values.push(isRead ? (intValue[0] as number) : failure('getsockopt', option, fd));
  }
  return values;
}

/** An option and its new int value. */
export interface IntWrite {
  readonly option: SocketOption;
  readonly value: number;
}

/** The result of {@link writeIntOptions}. */
export interface IntOutcome {
  /** How many writes were made. */
  readonly done: number;
  /** Why the next write failed; undefined if all were made. */
  readonly error?: SystemCallError;
  /** The values of the options afterwards; empty after an error. */
  readonly after: readonly (number | SystemCallError)[];
}

/** Sets options whose values are ints, in order, until the kernel refuses a value. Reads `options` if all were set. */
export function writeIntOptions(fd: number, list: readonly IntWrite[], options: readonly SocketOption[]): IntOutcome {
  if (isForwarding()) return callInNativeThread('writeIntOptions', fd, list, options);
  const { setsockopt } = libc();
  const at = fixedAddresses();
  let done = 0;
  for (const { option, value } of list) {
    intValue[0] = value;
    if (setsockopt(fd, option.level, option.option, at.intValue, 4) !== 0) {
      return { done, error: failure('setsockopt', option, fd, value), after: [] };
    }
    done += 1;
  }
  return { done, after: readIntOptions(fd, options) };
}

/** Reads an option whose value is a structure. Returns as many bytes as the kernel has, up to `length`. */
export function readBytesOption(fd: number, option: SocketOption, length: number): Uint8Array {
  if (isForwarding()) return callInNativeThread('readBytesOption', fd, option, length);
  const bytes = new Uint8Array(length);
  valueLength[0] = length;
  if (libc().getsockopt(fd, option.level, option.option, bytes, valueLength) !== 0) {
    throw failure('getsockopt', option, fd);
  }
  return bytes.subarray(0, valueLength[0]);
}

/** Sets an option whose value is a structure. */
export function writeBytesOption(fd: number, option: SocketOption, bytes: Uint8Array): void {
  if (isForwarding()) {
    callInNativeThread('writeBytesOption', fd, option, bytes);
    return;
  }
  if (libc().setsockopt(fd, option.level, option.option, bytes, bytes.byteLength) !== 0) {
    throw failure('setsockopt', option, fd);
  }
}

/** Reads an option whose value is a structure, always into the same memory. */
export interface OptionReader {
  /** The memory, which the next {@link read} overwrites. */
  readonly view: DataView;
  /** Reads the option of a descriptor. Returns the number of bytes, or -1 if the kernel refused the call. */
  read(fd: number): number;
}

/** Returns a reader for an option of up to `length` bytes. Reading allocates nothing, except in worker threads. */
export function optionReader(option: SocketOption, length: number): OptionReader {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  if (isForwarding()) return forwardingReader(option, bytes);
  const given = new Uint32Array(new ArrayBuffer(4));
  const [bytesAt, givenAt] = [libc().addressOf(bytes), libc().addressOf(given)];
  return {
    view: new DataView(bytes.buffer),
    read(fd) {
      given[0] = length;
      const failed = libc().getsockopt(fd, option.level, option.option, bytesAt, givenAt) !== 0;
      return failed ? -1 : (given[0] as number);
    },
  };
}

function forwardingReader(option: SocketOption, bytes: Uint8Array): OptionReader {
  return {
    view: new DataView(bytes.buffer),
    read(fd) {
      try {
        const given = callInNativeThread('readBytesOption', fd, option, bytes.length);
        bytes.set(given);
        return given.length;
      } catch {
        // The error is not thrown: repeated reads run in timers, where no caller could catch the error.
        return -1;
      }
    },
  };
}
