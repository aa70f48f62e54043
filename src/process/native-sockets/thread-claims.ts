import { getEnvironmentData, isMainThread, setEnvironmentData, type Worker } from 'node:worker_threads';
import { isInternalWorker, threadKey } from '../../native/thread/role.js';

/** The key under which worker threads find the shared memory. */
const key = 'tcp-keepalive: descriptors of worker threads';

/** One mark for each descriptor number, as many as fs.nr_open allows by default. */
const markCount = 1 << 20;

/** The offset of the marks, after the words below. */
const marksAt = 16;
const [addonWord, startedWord, registeredWord] = [0, 1, 2];

const isMarked = (fd: number) => fd >= 0 && fd < markCount;

/** True once this thread has counted itself. */
let isRegistered = false;

/** The key of the property of `process` that holds the native thread. */
const nativeThread = Symbol.for(threadKey);

/** Returns whether a thread runs no code of the program: the native thread, and the thread of module hooks. */
function opensNothing(worker: Worker): boolean {
  return Reflect.get(process, nativeThread) === worker || isInternalWorker(worker);
}

/**
 * The reports of worker threads to the main thread: which descriptors Node.js opened in a worker thread, and whether an
 * addon was loaded there. All threads share their descriptors.
 *
 * A mark is odd while Node.js has a descriptor of that number open in a worker thread. Each opening writes another odd
 * number, so that the mark of a terminated thread differs from a new mark.
 */
export class ThreadClaims {
  readonly #words: Int32Array;
  readonly #marks: Uint8Array;
  #seen: Uint8Array | undefined;
  /** The worker threads that this thread has started and that may still run. */
  readonly #workers = new Set<Worker>();

  private constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, marksAt / 4);
    this.#marks = new Uint8Array(memory, marksAt);
    process.on('worker', this.#onWorker);
    if (isMainThread || isRegistered) return;
    isRegistered = true;
    Atomics.add(this.#words, registeredWord, 1);
  }

  /** Opens the shared memory. Returns undefined in a worker thread if the main thread has no policy. */
  static open(): ThreadClaims | undefined {
    let memory = getEnvironmentData(key);
    if (!(memory instanceof SharedArrayBuffer)) {
      if (!isMainThread) return undefined;
      memory = new SharedArrayBuffer(marksAt + markCount);
      setEnvironmentData(key, memory);
    }
    return new ThreadClaims(memory as SharedArrayBuffer);
  }

  close(): void {
    process.off('worker', this.#onWorker);
    this.#seen = undefined;
  }

  readonly #onWorker = (worker: Worker): void => {
    if (opensNothing(worker)) return;
    Atomics.add(this.#words, startedWord, 1);
    this.#workers.add(worker);
  };

  /** Tells the main thread that this thread has opened a descriptor. */
  opened(fd: number): void {
    if (!isMarked(fd)) return;
    const mark = Atomics.load(this.#marks, fd);
    Atomics.store(this.#marks, fd, mark % 2 === 1 ? mark + 2 : mark + 1);
  }

  /** Tells the main thread that this thread is about to close a descriptor. */
  closing(fd: number): void {
    if (!isMarked(fd)) return;
    const mark = Atomics.load(this.#marks, fd);
    if (mark % 2 === 1) Atomics.store(this.#marks, fd, mark + 1);
  }

  /** Tells the main thread that this thread loads an addon. */
  addonLoaded(): void {
    Atomics.store(this.#words, addonWord, 1);
    Atomics.notify(this.#words, addonWord);
  }

  /** Calls a function once a worker thread has loaded an addon. Waiting does not keep the process alive. */
  onAddonLoaded(callback: () => void): void {
    const { async: isAsync, value } = Atomics.waitAsync(this.#words, addonWord, 0);
    if (isAsync) void value.then(callback);
    else callback();
  }

  /** Returns whether a worker thread has opened the descriptor since the last call for this number. */
  takeClaim(fd: number): boolean {
    if (!isMarked(fd)) return this.hasThreads;
    this.#seen ??= new Uint8Array(markCount);
    const mark = Atomics.load(this.#marks, fd);
    const isNew = mark % 2 === 1 && mark !== this.#seen[fd];
    this.#seen[fd] = mark;
    return isNew;
  }

  /** Returns whether a worker thread was started, by this thread or by a thread that shares the memory. */
  get hasThreads(): boolean {
    return Atomics.load(this.#words, startedWord) > 0;
  }

  /** Returns whether a thread may run that claims nothing, because no policy was applied there, or not yet. */
  hasThreadsWithoutPolicy(): boolean {
    const [started, registered] = [startedWord, registeredWord].map((word) => Atomics.load(this.#words, word));
    if ((started as number) <= (registered as number)) return false;
    // A worker thread ends with the thread that started it.
    for (const worker of this.#workers) if (worker.threadId === -1) this.#workers.delete(worker);
    if (this.#workers.size > 0) return true;
    Atomics.store(this.#words, registeredWord, started as number);
    return false;
  }
}
