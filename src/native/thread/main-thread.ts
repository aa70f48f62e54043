import { startNativeThread, nativeThreadEntry } from './start-native-thread.js';
import { threadKey } from './role.js';

/** As much of `inspector.Session` as is used here. */
interface Session {
  connectToMainThread(): void;
  post(method: string, parameters: object): void;
  disconnect(): void;
}

/**
 * Has the main thread start the native thread, from a worker: through Node's own inspector session between the two, which
 * the main thread serves even where it is blocked in JavaScript or in `Atomics.wait`.
 */
export class MainThread {
  #session: Session | undefined;

  /** Returns why the main thread cannot be asked, if it cannot. */
  startNativeThread(): unknown {
    try {
      this.#session ??= this.#connect();
      const given = [nativeThreadEntry, threadKey].map((text) => JSON.stringify(text)).join(', ');
      this.#session.post('Runtime.evaluate', { expression: `(${startNativeThread})(${given})`, silent: true });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  disconnect(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }

  #connect(): Session {
    // Not every build of Node.js has it.
    const { Session } = process.getBuiltinModule('node:inspector');
    const session = new Session() as unknown as Session;
    session.connectToMainThread();
    return session;
  }
}
