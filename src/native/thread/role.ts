import { isMainThread, workerData } from 'node:worker_threads';

/** Names what the threads of a process share: the channel, the mark of the native thread. The number is the protocol's. */
export const threadKey = 'tcp-keepalive:native-thread:1';

/** What the native thread is started with. */
export interface NativeThreadData {
  readonly key: string;
  /** See `gate.ts`. */
  readonly gate: SharedArrayBuffer;
}

/** Returns what this thread was started with if it is the native thread. */
export function nativeThreadData(): NativeThreadData | undefined {
  const { key } = (workerData ?? {}) as Partial<NativeThreadData>;
  return !isMainThread && key === threadKey ? workerData : undefined;
}

/** Bun and Deno say that they are a Node.js, too. */
const isNode = process.versions['bun'] === undefined && process.versions['deno'] === undefined;

/**
 * Whether this thread must leave system calls to the native thread: koffi aborts the process when a thread is terminated
 * that is loading koffi (`napi_throw` fails in an isolate that is ending, and node-addon-api makes that fatal).
 */
export const isForwarding = isNode && !isMainThread && nativeThreadData() === undefined;

/** Whether this thread can start the native thread. */
export const isOwner = isNode && isMainThread;
