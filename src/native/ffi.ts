import { createRequire } from 'node:module';
import { loadForOwnUse } from './own-addon.js';

type Koffi = typeof import('koffi').default;

let loaded: Koffi | undefined;

/** Returns the FFI, loaded synchronously at the first call: importing the package must work where the FFI does not. */
export function ffi(): Koffi {
  loaded ??= loadForOwnUse(() => createRequire(import.meta.url)('koffi') as Koffi);
  return loaded;
}
