import type { Handle } from './target.js';

/** What is done around calls that Node.js makes on a handle. */
export interface HandleGuard {
  /** Around setting keepalive, which is `set`. */
  setting(set: () => number): number;
  /** Before the handle is closed, also because another process has it now. */
  closing(): void;
}

type Guarded = 'setKeepAlive' | 'close';

const guards = new WeakSet<object>();

/** Puts a method before that of the handle's prototype; one that somebody else has put there is left alone. */
function put(handle: Handle, name: Guarded, method: object): void {
  if (Object.hasOwn(handle, name)) return;
  Object.defineProperty(handle, name, { value: method, configurable: true, writable: true, enumerable: false });
  guards.add(method);
}

/** Guards this one handle, until {@link unguardHandle}. */
export function guardHandle(handle: Handle, guard: HandleGuard): void {
  const { setKeepAlive, close } = handle;
  if (typeof setKeepAlive === 'function') {
    put(handle, 'setKeepAlive', (...args: Parameters<typeof setKeepAlive>) =>
      guard.setting(() => Reflect.apply(setKeepAlive, handle, args)),
    );
  }
  if (typeof close === 'function') {
    put(handle, 'close', (...args: Parameters<typeof close>) => {
      guard.closing();
      return Reflect.apply(close, handle, args);
    });
  }
}

/** Has what the prototype has come to light again. */
export function unguardHandle(handle: Handle): void {
  for (const name of ['setKeepAlive', 'close'] as const) {
    const method = Object.getOwnPropertyDescriptor(handle, name)?.value;
    if (guards.has(method)) Reflect.deleteProperty(handle, name);
  }
}
