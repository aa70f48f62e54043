import { loadForOwnUse } from './own-addon.js';
import { requireFromPackage } from './package-files.js';

type Koffi = typeof import('koffi').default;

let loaded: Koffi | undefined;

/** Returns the FFI, loaded synchronously at the first call: importing the package must work where the FFI does not. */
export function ffi(): Koffi {
  loaded ??= loadForOwnUse(() => requireFromPackage('koffi') as Koffi);
  return loaded;
}
