import { setTimeout as promisedTimeout, scheduler } from 'node:timers/promises';

/**
 * Returns a method of an object's prototype, bound to the object.
 *
 * Fake timers (sinon, vitest, jest, `node:test`) and stubs (jsdom, Electron) replace properties of the global object,
 * `process`, `node:timers`, `node:timers/promises` and its `scheduler`. None replaces a method of the prototypes of
 * `scheduler` and `performance`. So those methods are real even if a fake was installed before this module was loaded.
 */
function prototypeMethod<Method>(object: object, name: string): Method | undefined {
  const method: unknown = Object.getPrototypeOf(object)?.[name];
  return typeof method === 'function' ? (method.bind(object) as Method) : undefined;
}

type Wait = (ms: number, options: { readonly ref: boolean }) => Promise<unknown>;

const wait =
  prototypeMethod<Wait>(scheduler, 'wait') ??
  ((ms, options) => promisedTimeout(ms, undefined, options) as Promise<unknown>);

let now: (() => number) | undefined;

/** Returns the milliseconds of the monotonic clock, with fractions, as `performance.now()` does. */
export function nowMs(): number {
  if (now === undefined) {
    // Loaded at the first call: loading takes 2 ms.
    const { performance } = process.getBuiltinModule('node:perf_hooks');
    now = prototypeMethod(performance, 'now') ?? performance.now.bind(performance);
  }
  return now();
}

/**
 * The built-in class of promises, even if a program has replaced the global class. A fake clock can delay the promises of a
 * replacement such as Bluebird. `await` reaches no method that a program can replace; zone.js, for one, replaces `then`.
 */
export const RealPromise = (async () => {})().constructor as PromiseConstructor;

async function afterCurrentCall(callback: () => void): Promise<void> {
  await undefined;
  callback();
}

/** Calls a function after the program's current call, before any I/O. The function must not throw. */
export function callSoon(callback: () => void): void {
  void afterCurrentCall(callback);
}

/** Resolves after some milliseconds, and keeps the process alive meanwhile. */
export async function sleep(ms: number): Promise<void> {
  await wait(ms, { ref: true });
}

/** A timer that was started. */
export interface Timer {
  /** `undefined` once the timer has run or was cleared. */
  callback: (() => void) | undefined;
}

/** Calls a function after some milliseconds. The function must not throw. The timer does not keep the process alive. */
export function setTimer(callback: () => void, ms: number): Timer {
  const timer: Timer = { callback };
  void run(timer, ms);
  return timer;
}

async function run(timer: Timer, ms: number): Promise<void> {
  await wait(ms, { ref: false });
  const { callback: due } = timer;
  timer.callback = undefined;
  due?.();
}

/** Stops a timer. Does nothing if the timer has run. */
export function clearTimer(timer: Timer | undefined): void {
  if (timer !== undefined) timer.callback = undefined;
}

const { nextTick } = process;

/** Throws an error outside any caller, so that the process emits `uncaughtException`. */
export function throwUncaught(error: unknown): void {
  nextTick(() => {
    throw error;
  });
}
