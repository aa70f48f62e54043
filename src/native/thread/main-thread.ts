import { threadKey } from './role.js';
import { nativeThreadEntry, startNativeThread } from './start-native-thread.js';

/** The part of `inspector.Session` that this module uses. */
interface Session {
  connectToMainThread(): void;
  post(method: string, parameters: object): void;
  disconnect(): void;
}

/** The time between two requests: the first may have reached a main thread whose native thread was about to end. */
const requestedEveryMs = 500;

// `performance` takes 2 ms to load.
const { hrtime } = process;
const now = () => Number(hrtime.bigint()) / 1e6;

let requestedAtMs = Number.NEGATIVE_INFINITY;

/**
 * Makes the main thread start the native thread, unless there is one. Returns the error if the main thread cannot be asked.
 *
 * Node's inspector session reaches the main thread whatever code it has loaded, even if JavaScript or `Atomics.wait` blocks
 * it. The session ends at once: a process that ends with an open session prints that it waits for a debugger. The main
 * thread handles connect, request and disconnect in this order.
 */
export function askMainThread(): unknown {
  if (now() - requestedAtMs < requestedEveryMs) return undefined;
  requestedAtMs = now();
  try {
    const session = connect();
    const given = [nativeThreadEntry(), threadKey].map((text) => JSON.stringify(text)).join(', ');
    session.post('Runtime.evaluate', { expression: `(${startNativeThread})(${given})`, silent: true });
    session.disconnect();
    return undefined;
  } catch (error) {
    requestedAtMs = Number.NEGATIVE_INFINITY;
    return error;
  }
}

function connect(): Session {
  // Not every build of Node.js has `node:inspector`.
  const { Session } = process.getBuiltinModule('node:inspector');
  const session = new Session() as unknown as Session;
  session.connectToMainThread();
  return session;
}
