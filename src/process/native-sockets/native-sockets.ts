import { isMainThread } from 'node:worker_threads';
import { onAddonLoading } from '../../node/addon-loading.js';
import { followClosing, followOpened } from '../../node/opened-handles.js';
import { type NativeSocketContext, NativeSocketSearch } from './native-socket-search.js';
import { ThreadClaims } from './thread-claims.js';

/**
 * Finds the TCP sockets that native code of this process opens, and sets the policy of each. Linux only.
 *
 * Does nothing until a native addon is loaded. From then on, the main thread checks the descriptors, which all threads
 * share. Worker threads only report to the main thread which descriptors they opened, and that they load an addon.
 */
export class NativeSockets {
  readonly #context: NativeSocketContext;
  readonly #claims: ThreadClaims | undefined;
  readonly #undo: (() => void)[] = [];
  #search: NativeSocketSearch | undefined;
  #isOver = false;

  constructor(context: NativeSocketContext) {
    this.#context = context;
    if (process.platform !== 'linux') return;
    const claims = ThreadClaims.open();
    this.#claims = claims;
    if (claims === undefined) return;
    if (isMainThread) {
      this.#undo.push(onAddonLoading(this.#begin));
      claims.onAddonLoaded(this.#begin);
    } else {
      this.#undo.push(
        onAddonLoading(() => claims.addonLoaded()),
        followOpened(({ fd }) => claims.opened(fd)),
        followClosing(({ fd }) => claims.closing(fd)),
      );
    }
  }

  readonly #begin = (): void => {
    if (this.#isOver || this.#search !== undefined || this.#claims === undefined) return;
    try {
      this.#search = new NativeSocketSearch(this.#context, this.#claims);
    } catch (error) {
      this.#isOver = true;
      this.#context.refused(error);
    }
  };

  close(): void {
    this.#isOver = true;
    this.#search?.close();
    this.#search = undefined;
    for (const undo of this.#undo) undo();
    this.#claims?.close();
  }
}
