import { UnsupportedError } from './errors.js';
import { ffi } from './ffi.js';
import { whyNoNativeThread } from './thread/ask.js';
import { isForwarding } from './thread/role.js';
import { offerNativeThread } from './thread/start-native-thread.js';

/** JavaScript memory for a call: a view, or the address of a view. */
export type Memory = ArrayBufferView | bigint;

/** The calls of the C library that this package makes. Each call returns -1 on failure; `errno()` then has the reason. */
export interface Libc {
  setsockopt(fd: number, level: number, option: number, value: Memory, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Memory, length: Memory): number;
  errno(): number;
  /** Returns the address of a buffer, valid while the buffer is referenced. */
  addressOf(buffer: ArrayBufferView): bigint;
}

offerNativeThread();

let loaded: Libc | UnsupportedError | undefined;

/** Returns the error of calls that workers cannot make: descriptors that a worker opened would be lost with the worker. */
function refusedInWorkers(): UnsupportedError {
  return new UnsupportedError('calling system functions one by one in a worker thread', 'the main thread');
}

function load(): Libc | UnsupportedError {
  if (isForwarding()) return refusedInWorkers();
  try {
    const koffi = ffi();
    const library = koffi.load(null);
    return {
      setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)'),
      getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
      errno: () => koffi.errno(),
      addressOf: (buffer) => koffi.address(buffer),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return new UnsupportedError(
      'calling setsockopt and getsockopt',
      `the native package koffi, which could not be loaded (${reason}); ` +
        'it has prebuilt binaries for glibc and musl Linux, macOS and FreeBSD, must be installed beside a bundled program, ' +
        'and needs --allow-addons under --permission',
      cause,
    );
  }
}

/**
 * Returns the C library of this process.
 *
 * @throws {UnsupportedError} if the FFI cannot be loaded, with the reason, and in a worker thread.
 */
export function libc(): Libc {
  loaded ??= load();
  if (loaded instanceof UnsupportedError) throw loaded;
  return loaded;
}

let isReached = false;

/** Returns why the C library cannot set socket options in this thread. Returns undefined if it can. */
export function whyNoLibc(): UnsupportedError | undefined {
  if (isForwarding()) {
    if (isReached) return undefined;
    const reason = whyNoNativeThread();
    isReached = reason === undefined;
    return reason;
  }
  loaded ??= load();
  return loaded instanceof UnsupportedError ? loaded : undefined;
}
