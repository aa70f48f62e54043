import type { BroadcastChannel } from 'node:worker_threads';
import { SystemCallError, UnsupportedError } from '../errors.js';
import { askMainThread } from './main-thread.js';
import { mailbox, type Request } from './request.js';
import { threadKey, workerThreads } from './role.js';

/** Limits of the time until the native thread takes a request, and of the time from then until the reply. */
const takenWithinMs = 10_000;
const repliedWithinMs = 60_000;

/** Like {@link takenWithinMs}, if the main thread cannot be asked to start the native thread. */
const takenUnaskedWithinMs = 1000;

/**
 * Times after which a worker makes the main thread start the native thread. A main thread that has loaded this package
 * starts the native thread unasked. The longer time applies if the native thread was started before this worker.
 */
const askAfterMs = 40;
const askLaterAfterMs = 500;

/** A request is sent again after a time that doubles up to the last: a native thread that is starting receives nothing. */
const firstRepeatMs = 5;
const lastRepeatMs = 100;

// Tests of programs replace the clock. `performance` takes 2 ms to load.
const { hrtime } = process;
const now = () => Number(hrtime.bigint()) / 1e6;

let channel: BroadcastChannel | undefined;

function post(request: Request): void {
  if (channel === undefined) {
    const opened = new (workerThreads().BroadcastChannel)(threadKey);
    opened.unref();
    channel = opened;
    void closeSoon(opened);
  }
  channel.postMessage(request);
}

/**
 * Closes a channel after the program's current call, because the channel also receives the requests of other workers.
 * `await` needs no timer, which fake timers and stubs replace.
 */
async function closeSoon(opened: BroadcastChannel): Promise<void> {
  await undefined;
  opened.close();
  channel = undefined;
}

/** The time and error of the last request that nobody took. Requests within `failingForMs` do not wait as long. */
let lastFailure: { readonly atMs: number; readonly error: UnsupportedError } | undefined;
const failingForMs = 10_000;

function unreachable(feature: string, refusal: unknown): UnsupportedError {
  if (refusal instanceof UnsupportedError) return refusal;
  const blocked = refusal === undefined ? ', or one that is not blocked by a system call for so long' : '';
  const requires = `a main thread that has loaded tcp-keepalive before the worker was started${blocked}`;
  return new UnsupportedError(`${feature} in a worker thread`, requires, refusal);
}

/** A request that the native thread has not replied to. */
export class PendingRequest {
  readonly #request: Request;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #askedAtMs = now();
  #refusal: unknown;
  #repeatMs = firstRepeatMs;
  #takenAtMs: number | undefined;

  /** @throws {UnsupportedError} if `request` holds a value that cannot be sent to another thread. */
  constructor(request: Request) {
    this.#request = request;
    ({ words: this.#words } = mailbox(request.mailbox));
    Atomics.store(this.#words, 0, request.ticket);
    try {
      post(request);
    } catch (cause) {
      const requires = 'arguments that can be sent to another thread (structured clone), or the main thread';
      throw new UnsupportedError(`${this.#feature} in a worker thread`, requires, cause);
    }
  }

  /** Blocks this thread until the native thread has replied. */
  wait(): void {
    for (let state = this.#state; state !== 0; state = this.#state) {
      Atomics.wait(this.#words, 0, state, state === this.#request.ticket ? this.repeat() : this.#checkTaken());
    }
  }

  /** Returns whether the native thread has the request. */
  get isTaken(): boolean {
    return this.#state !== this.#request.ticket;
  }

  get #state(): number {
    return Atomics.load(this.#words, 0);
  }

  #checkTaken(): number {
    this.#takenAtMs ??= now();
    if (now() - this.#takenAtMs < repliedWithinMs) return repliedWithinMs;
    const detail = `the thread that makes system calls for workers did not reply within ${repliedWithinMs / 1000} s`;
    throw new SystemCallError(`${this.#feature} in a worker thread`, 'ETIMEDOUT', detail);
  }

  get #feature(): string {
    return this.#request.module === undefined ? 'setting and reading socket options' : this.#request.name;
  }

  /**
   * Sends the request again if it is due. Returns the milliseconds until the next repetition.
   *
   * @throws {UnsupportedError} if no native thread takes the request.
   */
  repeat(): number {
    const waitedMs = now() - this.#askedAtMs;
    const isExpected = workerThreads().getEnvironmentData(threadKey) === true;
    const limitMs = isExpected || this.#refusal === undefined ? takenWithinMs : takenUnaskedWithinMs;
    const isFailing = lastFailure !== undefined && now() - lastFailure.atMs < failingForMs;
    const isTimedOut = waitedMs >= limitMs || (isFailing && waitedMs > firstRepeatMs);
    const { ticket } = this.#request;
    if (isTimedOut && Atomics.compareExchange(this.#words, 0, ticket, 0) === ticket) {
      if (!isFailing) lastFailure = { atMs: now(), error: unreachable(this.#feature, this.#refusal) };
      throw (lastFailure as { readonly error: UnsupportedError }).error;
    }
    if (waitedMs > 1) {
      if (waitedMs >= (isExpected ? askLaterAfterMs : askAfterMs)) this.#refusal = askMainThread();
      post(this.#request);
      this.#repeatMs = Math.min(this.#repeatMs * 2, lastRepeatMs);
    }
    return this.#repeatMs;
  }
}
