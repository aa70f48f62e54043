import { isMainThread, setEnvironmentData } from 'node:worker_threads';
import { threadKey } from './role.js';

/** Where the native thread begins: beside the folder of what is bundled. */
export const nativeThreadEntry = new URL('../native/thread/native-thread.js', import.meta.url).href;

/**
 * Starts the native thread unless this process has one. It keeps no process alive.
 *
 * Runs in the main thread, because a worker's own workers end with it. A worker whose main thread has not loaded this
 * package has its text evaluated there, so the function refers to nothing outside itself.
 */
export function startNativeThread(entry: string, key: string): void {
  const { Worker, setEnvironmentData } = process.getBuiltinModule('node:worker_threads');
  const running = Symbol.for(key);
  if (Reflect.has(process, running)) return;
  const [open, inside, closed] = [0, 1, 2];
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(entry), {
    name: 'tcp-keepalive',
    env: {},
    execArgv: [],
    workerData: { key, gate: gate.buffer },
  });
  worker.unref();
  Object.defineProperty(process, running, { value: worker, configurable: true });
  setEnvironmentData(key, true);
  // Node.js ends the thread with the process: not while it loads koffi or has another program's socket in hand.
  const waitAtGate = () => {
    const until = performance.now() + 5000;
    while (Atomics.compareExchange(gate, 0, open, closed) === inside && performance.now() < until) {
      Atomics.wait(gate, 0, inside, 100);
    }
    // Reached only where somebody else emitted `exit`.
    setTimeout(() => Atomics.compareExchange(gate, 0, closed, open), 0).unref();
  };
  const forget = () => {
    process.off('exit', waitAtGate);
    Reflect.deleteProperty(process, running);
  };
  process.prependListener('exit', waitAtGate);
  worker.on('error', forget).on('exit', forget);
}

let isOffered = false;

/** Has the native thread start with the first worker of this process. In a worker, does nothing. */
export function offerNativeThread(): void {
  if (!isMainThread || isOffered || typeof process.getBuiltinModule !== 'function') return;
  isOffered = true;
  setEnvironmentData(threadKey, true);
  process.once('worker', () => startNativeThread(nativeThreadEntry, threadKey));
}
