import { BroadcastChannel, getEnvironmentData } from 'node:worker_threads';
import { SystemCallError, UnsupportedError } from '../errors.js';
import { MainThread } from './main-thread.js';
import { mailbox, type Request } from './request.js';
import { threadKey } from './role.js';

/** How long a request may wait to be taken, and how long carrying it out may take. */
const takenWithinMs = 5000;
const answeredWithinMs = 60_000;

/** As {@link takenWithinMs}, where the main thread cannot be asked to start the native thread. */
const takenUnaskedWithinMs = 500;

/** A main thread that has this package starts the native thread unasked: it is asked only after this time. */
const patienceMs = 500;

/** A request is sent again after this time, doubled each time: while the native thread is starting, nobody hears it. */
const firstRepeatMs = 5;
const lastRepeatMs = 100;

// Programs replace the clock while they are tested.
const now = performance.now.bind(performance);

let channel: BroadcastChannel | undefined;

function post(request: Request): void {
  if (channel === undefined) {
    const opened = new BroadcastChannel(threadKey);
    opened.unref();
    channel = opened;
    // It also receives what other workers send, so it is open no longer than this turn of the event loop.
    setImmediate(() => {
      opened.close();
      channel = undefined;
    }).unref();
  }
  channel.postMessage(request);
}

/** When a request was last in vain; requests soon after it do not wait again. */
let lastInVainAtMs = Number.NEGATIVE_INFINITY;
const inVainForMs = 10_000;

/** A request on its way to the native thread and back. */
export class Question {
  readonly #request: Request;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #askedAtMs = now();
  readonly #mainThread = new MainThread();
  #refusal: unknown;
  #repeatMs = firstRepeatMs;
  #takenAtMs: number | undefined;

  /** @throws {UnsupportedError} if `request` holds what cannot be sent to another thread. */
  constructor(request: Request) {
    this.#request = request;
    ({ words: this.#words } = mailbox(request.mailbox));
    Atomics.store(this.#words, 0, request.ticket);
    try {
      post(request);
    } catch (cause) {
      const requires = 'arguments that can be sent to another thread (structured clone), or the main thread';
      throw new UnsupportedError(`${request.name} in a worker thread`, requires, cause);
    }
  }

  get isAnswered(): boolean {
    return Atomics.load(this.#words, 0) === 0;
  }

  /** Blocks this thread until the request is answered. */
  wait(): void {
    while (!this.isAnswered) Atomics.wait(this.#words, 0, Atomics.load(this.#words, 0), this.advance());
    this.end();
  }

  /**
   * Does what is due while the request is not answered and returns after how many milliseconds to come back.
   *
   * @throws {UnsupportedError} if no native thread takes the request, {@link SystemCallError} if it does not answer.
   */
  advance(): number {
    const nowMs = now();
    if (Atomics.load(this.#words, 0) === this.#request.ticket) return this.#repeat(nowMs - this.#askedAtMs);
    this.#takenAtMs ??= nowMs;
    if (nowMs - this.#takenAtMs < answeredWithinMs) return answeredWithinMs;
    this.end();
    const detail = `the thread that makes system calls for workers did not answer within ${answeredWithinMs / 1000} s`;
    throw new SystemCallError(this.#request.name, 'ETIMEDOUT', detail);
  }

  end(): void {
    this.#mainThread.disconnect();
  }

  #repeat(waitedMs: number): number {
    const limitMs = this.#refusal === undefined ? takenWithinMs : takenUnaskedWithinMs;
    const isInVain = waitedMs >= limitMs || (waitedMs > firstRepeatMs && now() - lastInVainAtMs < inVainForMs);
    const { ticket, name } = this.#request;
    if (isInVain && Atomics.compareExchange(this.#words, 0, ticket, 0) === ticket) {
      lastInVainAtMs = now();
      this.end();
      const requires = "`import 'tcp-keepalive'` in the main thread before the worker starts, or a main thread that runs";
      throw new UnsupportedError(`${name} in a worker thread`, requires, this.#refusal);
    }
    if (waitedMs > 1) {
      const isExpected = getEnvironmentData(threadKey) === true && waitedMs < patienceMs;
      if (!isExpected) this.#refusal = this.#mainThread.startNativeThread();
      post(this.#request);
      this.#repeatMs = Math.min(this.#repeatMs * 2, lastRepeatMs);
    }
    return this.#repeatMs;
  }
}
