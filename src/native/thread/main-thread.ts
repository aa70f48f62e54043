import { threadKey } from './role.js';
import { nativeThreadEntry, startNativeThread } from './start-native-thread.js';

/** The part of `inspector.Session` that is used here. */
interface Session {
  connectToMainThread(): void;
  post(method: string, parameters: object): void;
  disconnect(): void;
}

/** Time between two requests: the first may have reached a main thread whose native thread was about to end. */
const requestedEveryMs = 500;

// `performance` takes 2 ms to load.
const { hrtime } = process;
const now = () => Number(hrtime.bigint()) / 1e6;

let requestedAtMs = Number.NEGATIVE_INFINITY;

/**
 * Makes the main thread start the native thread, unless there is one. Returns why the main thread cannot be asked, if it
 * cannot.
 *
 * The main thread is reached through Node's own inspector session, whatever it has loaded, also while it is blocked in
 * JavaScript or in `Atomics.wait`. The session is over at once: the main thread takes connect, request and disconnect in
 * this order. A process that ends with a session open says on standard error that it waits for a debugger.
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
  // Not every build of Node.js has it.
  const { Session } = process.getBuiltinModule('node:inspector');
  const session = new Session() as unknown as Session;
  session.connectToMainThread();
  return session;
}
