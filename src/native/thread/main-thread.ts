import { threadKey } from './role.js';
import { nativeThreadEntry, startNativeThread } from './start-native-thread.js';

/** As much of `inspector.Session` as is used here. */
interface Session {
  connectToMainThread(): void;
  post(method: string, parameters: object): void;
  disconnect(): void;
}

/** Time between two requests: the first may have met a main thread whose native thread was about to end. */
const requestedEveryMs = 500;

const now = performance.now.bind(performance);

/**
 * The main thread, as a worker reaches it whatever it has loaded: through Node's own inspector session between the two. The
 * main thread serves that session also while it is blocked in JavaScript or in `Atomics.wait`.
 */
export class MainThread {
  #session: Session | undefined;
  #requestedAtMs = Number.NEGATIVE_INFINITY;

  /** Has the main thread start the native thread, if it has none. Returns why it cannot be asked, if it cannot. */
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
