import { createRequire } from 'node:module';

/** The FFI, loaded on first use and synchronously: importing the package must work where the FFI does not. */
export function ffi(): typeof import('koffi').default {
  return createRequire(import.meta.url)('koffi');
}
