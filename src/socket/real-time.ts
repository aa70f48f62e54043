import { setTimeout as promisedTimeout, scheduler } from 'node:timers/promises';

/**
 * Fake timers (sinon, vitest, jest, `node:test`) and stubs (jsdom, Electron) replace properties: of the global object, of
 * `process`, of `node:timers`, of `node:timers/promises` and of its `scheduler`. None replaces a method of the prototype
 * of `scheduler`, so it is real also where a fake was installed before this module was loaded.
 */
function prototypeMethod<Method>(object: object, name: string): Method | undefined {
  const method: unknown = Object.getPrototypeOf(object)?.[name];
  return typeof method === 'function' ? (method.bind(object) as Method) : undefined;
}

type Wait = (ms: number, options: { readonly ref: boolean }) => Promise<unknown>;

const wait =
  prototypeMethod<Wait>(scheduler, 'wait') ??
  ((ms, options) => promisedTimeout(ms, undefined, options) as Promise<unknown>);

/** A timer that was started. */
export interface Timer {
  /** `undefined` once the timer has run or was cleared. */
  callback: (() => void) | undefined;
}

/** Calls a function, which must not throw, after so many milliseconds. The timer does not keep the process alive. */
export function setTimer(callback: () => void, ms: number): Timer {
  const timer: Timer = { callback };
  void wait(ms, { ref: false }).then(() => {
    const { callback: due } = timer;
    timer.callback = undefined;
    due?.();
  });
  return timer;
}

/** Stops a timer. Does nothing if the timer has run. */
export function clearTimer(timer: Timer | undefined): void {
  if (timer !== undefined) timer.callback = undefined;
}
