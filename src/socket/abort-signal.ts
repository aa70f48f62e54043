import { RealPromise } from '../node/real-time.js';
import { describeValue } from '../policy/errors.js';
import { argumentTypeError } from './target.js';

/** The methods of every signal as they were when this module was loaded: a program may replace them. */
const { addEventListener, removeEventListener } = EventTarget.prototype;

function getterOf<Value>(name: 'aborted' | 'reason'): (signal: unknown) => Value {
  const get = Object.getOwnPropertyDescriptor(AbortSignal.prototype, name)?.get as () => Value;
  return (signal) => Reflect.apply(get, signal, []);
}

/** Returns whether a signal was aborted. Throws for any other object. */
export const isAborted = getterOf<boolean>('aborted');

/** Returns the value that the signal was aborted with. */
export const abortReason = getterOf<unknown>('reason');

/**
 * Throws if an option of the named function is no AbortSignal.
 *
 * @throws {TypeError} ERR_INVALID_ARG_TYPE.
 */
export function assertSignal(source: string, given: unknown): asserts given is AbortSignal | undefined {
  if (given === undefined) return;
  try {
    isAborted(given);
  } catch (cause) {
    throw argumentTypeError(`${source}: signal must be an AbortSignal, got ${describeValue(given)}`, cause);
  }
}

/** Calls a function when a signal is aborted. Returns a function that removes the listener. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  Reflect.apply(addEventListener, signal, ['abort', callback]);
  return () => Reflect.apply(removeEventListener, signal, ['abort', callback]);
}

/** Returns the result of a promise, or rejects with the signal's reason as soon as the signal is aborted. */
export function untilAborted<Result>(result: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return result;
  return new RealPromise((resolve, reject) => {
    const stop = onAbort(signal, () => {
      stop();
      reject(abortReason(signal));
    });
    void settle(result, resolve, reject, stop);
  });
}

/** `await` calls no method that a program can replace, as `Promise.race` does. */
async function settle<Result>(
  result: Promise<Result>,
  resolve: (result: Result) => void,
  reject: (error: unknown) => void,
  stop: () => void,
): Promise<void> {
  try {
    resolve(await result);
  } catch (error) {
    reject(error);
  } finally {
    stop();
  }
}
