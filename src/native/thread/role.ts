/** Names what the threads of a process share: the channel, the mark of the native thread. The number is the protocol's. */
export const threadKey = 'tcp-keepalive:native-thread:1';

/** What the native thread is started with. */
export interface NativeThreadData {
  readonly key: string;
  /** See `gate.ts`. */
  readonly gate: SharedArrayBuffer;
}

/** Returns `node:worker_threads`. Loading that takes milliseconds, so a program without workers does not until it must. */
export function workerThreads(): typeof import('node:worker_threads') {
  return process.getBuiltinModule('node:worker_threads');
}

type Role = 'main' | 'native' | 'worker';

function findRole(): Role {
  // Bun and Deno say that they are a Node.js, too.
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return 'main';
  const { isMainThread, workerData } = workerThreads();
  if (isMainThread) return 'main';
  return (workerData as Partial<NativeThreadData> | null)?.key === threadKey ? 'native' : 'worker';
}

let role: Role | undefined;

/**
 * Whether this thread must leave system calls to the native thread: koffi aborts the process when a thread is terminated
 * that is loading koffi (`napi_throw` fails in an isolate that is ending, and node-addon-api makes that fatal).
 */
export function isForwarding(): boolean {
  role ??= findRole();
  return role === 'worker';
}
