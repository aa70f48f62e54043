import { UnsupportedError } from '../native/errors.js';
import { whyNoLibc } from '../native/libc.js';
import { currentPlatform } from './platforms/index.js';

const feature = 'setting options on descriptors';

function whyNone(): UnsupportedError | undefined {
  if (!currentPlatform().hasDescriptors) return new UnsupportedError(feature, 'Linux, macOS or FreeBSD');
  // Its handles have no `fd`, at no time, so that nothing could be promised for later either.
  if (process.versions['deno'] !== undefined) {
    return new UnsupportedError(feature, 'a runtime that gives the descriptors of its sockets, such as Node.js');
  }
  return undefined;
}

let checked: { readonly reason: UnsupportedError | undefined } | undefined;

/** Returns why options cannot be set and read on descriptors here; `undefined` if they can. */
export function whyNoDescriptors(): UnsupportedError | undefined {
  checked ??= { reason: whyNone() };
  return checked.reason ?? whyNoLibc();
}

/** Returns whether options can be set and read on descriptors here; else only Node's own call remains. */
export function canUseDescriptors(): boolean {
  return whyNoDescriptors() === undefined;
}
