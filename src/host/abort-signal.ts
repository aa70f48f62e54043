import { describeValue } from '../policy/errors.js';

/** @throws {TypeError} ERR_INVALID_ARG_TYPE if `signal` is not an AbortSignal. */
export function assertSignal(source: string, signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const error = new TypeError(`${source}: signal must be an AbortSignal, got ${describeValue(signal)}`);
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Settles as `result` does, or rejects with the signal's reason if the signal aborts first. */
export async function untilAborted<T>(signal: AbortSignal | undefined, result: () => Promise<T>): Promise<T> {
  if (signal === undefined) return result();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void result()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
