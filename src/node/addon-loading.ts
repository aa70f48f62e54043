import { hasLoadedAddon, isLoadingOwnAddon } from '../native/own-addon.js';
import { type Method, wrap } from './wrap.js';

/**
 * Calls a function before this thread loads a native addon, or at once if the thread has required one already. Ignores the
 * addon of this package's own FFI. Returns a function that stops listening.
 */
export function onAddonLoading(callback: () => void): () => void {
  if (hasLoadedAddon()) callback();
  const wrapper = (original: Method): Method =>
    function dlopen(this: typeof process, ...args: unknown[]) {
      if (!isLoadingOwnAddon()) callback();
      return Reflect.apply(original, this, args as never[]);
    } as Method;
  return wrap(process, 'dlopen', wrapper);
}
