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

const now = performance.now.bind(performance);

/**
 * The main thread, reached from a worker through Node's own inspector session, whatever the main thread has loaded. The
 * main thread serves the session also while it is blocked in JavaScript or in `Atomics.wait`.
 */
export class MainThread {
  #session: Session | undefined;
  #requestedAtMs = Number.NEGATIVE_INFINITY;

  /** Makes the main thread start the native thread, unless there is one. Returns why the main thread cannot be asked. */
  startNativeThread(): unknown {
    if (now() - this.#requestedAtMs < requestedEveryMs) return undefined;
    this.#requestedAtMs = now();
    try {
      this.#session ??= connect();
      const given = [nativeThreadEntry(), threadKey].map((text) => JSON.stringify(text)).join(', ');
      this.#session.post('Runtime.evaluate', { expression: `(${startNativeThread})(${given})`, silent: true });
      return undefined;
    } catch (error) {
      this.#requestedAtMs = Number.NEGATIVE_INFINITY;
      return error;
    }
  }

  disconnect(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }
}

function connect(): Session {
  // Not every build of Node.js has it.
  const { Session } = process.getBuiltinModule('node:inspector');
  const session = new Session() as unknown as Session;
  session.connectToMainThread();
  return session;
}
