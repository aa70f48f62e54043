/** A request of a worker to the native thread. */
export interface Request {
  /** The memory in which both threads follow the request, see {@link mailbox}. */
  readonly mailbox: SharedArrayBuffer;
  /** Identifies the request among the requests of one mailbox. */
  readonly ticket: number;
  /** The module that exports the function; the calls on descriptors if undefined. */
  readonly module: string | undefined;
  readonly name: string;
  readonly args: readonly unknown[];
  /** The channel for the reply; the mailbox if undefined. */
  readonly replyTo: string | undefined;
}

/** The value or error of a function, as `toPortable` returns it. */
export type Reply = { readonly value: unknown } | { readonly error: unknown };

/** The views of a mailbox, which the two threads of a request share. */
export interface Mailbox {
  /** `[0]` is the ticket while the request waits, minus the ticket while it runs, 0 afterwards; `[1]` the reply's length. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The reply, serialized. */
  readonly bytes: Uint8Array;
}

const headLength = 8;

/** The bytes of a mailbox: enough for the reply to each call on a descriptor. */
export const mailboxLength = 16_384;

/** Returns the views of a mailbox's memory. */
export function mailbox(memory: SharedArrayBuffer): Mailbox {
  return { words: new Int32Array(memory, 0, 2), bytes: new Uint8Array(memory, headLength) };
}
