import { UnsupportedError } from './errors.js';
import { ffi } from './ffi.js';

/** Memory of JavaScript's for a call to use: a view, or the address of one. */
export type Memory = ArrayBufferView | bigint;

/** The calls of the C library that this project makes; each gives -1 on failure, and `errno()` then says why. */
export interface Libc {
  setsockopt(fd: number, level: number, option: number, value: Memory, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Memory, length: Memory): number;
  errno(): number;
  /** The address of a buffer, valid while the buffer is referenced. */
  addressOf(buffer: ArrayBufferView): bigint;
}

let loaded: Libc | UnsupportedError | undefined;

function load(): Libc | UnsupportedError {
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
        'it has prebuilt binaries for glibc and musl Linux, macOS and FreeBSD, and needs --allow-addons under --permission',
      cause,
    );
  }
}

/**
 * The C library of this process.
 *
 * @throws {UnsupportedError} where the FFI cannot be loaded, with the reason.
 */
export function libc(): Libc {
  loaded ??= load();
  if (loaded instanceof UnsupportedError) throw loaded;
  return loaded;
}

/** Why the C library cannot be called here, or `undefined` if it can. */
export function whyNoLibc(): UnsupportedError | undefined {
  loaded ??= load();
  return loaded instanceof UnsupportedError ? loaded : undefined;
}
