import { builtFile } from '../package-files.js';
import { isForwarding, isInternalWorker, threadKey, workerThreads } from './role.js';

/** Returns the URL of the native thread's module. */
export function nativeThreadEntry(): string {
  return builtFile('native/thread/native-thread.js');
}

/**
 * Starts the native thread unless this process has one. The native thread keeps no process alive.
 *
 * Runs in the main thread, because a worker's own workers end with that worker. If the main thread has not loaded this
 * package, a worker makes the main thread evaluate the function's text. So the function uses no name from outside.
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
    // Without these, Node.js opens the main thread's standard output and error to pipe into.
    stdout: true,
    stderr: true,
    execArgv: [],
    workerData: { key, gate: gate.buffer },
  });
  worker.unref();
  Object.defineProperty(process, running, { value: worker, configurable: true });
  setEnvironmentData(key, true);
  // Node.js ends the thread with the process, but not while the thread loads koffi or changes other programs' sockets.
  // Fake timers and stubs replace the clock and the timers, but no method of this prototype.
  const { scheduler } = process.getBuiltinModule('node:timers/promises');
  const wait = Object.getPrototypeOf(scheduler).wait.bind(scheduler) as typeof scheduler.wait;
  const reopenLater = async () => {
    await wait(0, { ref: false } as object);
    Atomics.compareExchange(gate, 0, closed, open);
  };
  const waitAtGate = () => {
    for (let waits = 0; waits < 50; waits += 1) {
      if (Atomics.compareExchange(gate, 0, open, closed) !== inside) break;
      Atomics.wait(gate, 0, inside, 100);
    }
    // Reached only if somebody else emitted `exit`.
    void reopenLater();
  };
  const forget = () => {
    process.off('exit', waitAtGate);
    Reflect.deleteProperty(process, running);
  };
  process.prependListener('exit', waitAtGate);
  worker.on('error', forget).on('exit', forget);
}

const offered = Symbol.for(`${threadKey}:offered`);

/** Arranges for the native thread to start with the program's first worker thread. Does nothing in workers. */
export function offerNativeThread(): void {
  if (Reflect.has(process, offered)) return;
  Object.defineProperty(process, offered, { value: true });
  // Workers cannot request the native thread under the permission model, so they must know that it will start.
  if (Reflect.get(process, 'permission') !== undefined && !isForwarding())
    workerThreads().setEnvironmentData(threadKey, true);
  const onWorker = (worker: object) => {
    if (isInternalWorker(worker)) return;
    process.off('worker', onWorker);
    try {
      if (!isForwarding()) startNativeThread(nativeThreadEntry(), threadKey);
    } catch {
      // The worker requests the native thread again, and reports if there is none.
    }
  };
  process.on('worker', onWorker);
}
