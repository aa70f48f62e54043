/** The name of the channel and of the native thread's mark in a process. The number is the version of the protocol. */
export const threadKey = 'tcp-keepalive:native-thread:1';

/** The `workerData` of the native thread. */
export interface NativeThreadData {
  readonly key: string;
  /** The memory of the gate, see `gate.ts`. */
  readonly gate: SharedArrayBuffer;
}

/** Returns `node:worker_threads`, loaded at the first call: loading takes milliseconds. */
export function workerThreads(): typeof import('node:worker_threads') {
  return process.getBuiltinModule('node:worker_threads');
}

type Role = 'main' | 'native' | 'worker';

function findRole(): Role {
  // Bun and Deno report a Node.js version too.
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return 'main';
  const { isMainThread, workerData } = workerThreads();
  if (isMainThread) return 'main';
  return (workerData as Partial<NativeThreadData> | null)?.key === threadKey ? 'native' : 'worker';
}

let role: Role | undefined;

/**
 * Returns whether this thread must forward system calls to the native thread. The process aborts if a thread is terminated
 * while it loads koffi: `napi_throw` fails in an isolate that is ending, and node-addon-api makes the failure fatal.
 */
export function isForwarding(): boolean {
  role ??= findRole();
  return role === 'worker';
}

/** Returns whether a worker thread is Node's own, such as the thread of module hooks, which runs no code of the program. */
export function isInternalWorker(worker: object): boolean {
  return /^(Internal|Hooks)Worker$/.test(worker.constructor?.name);
}
