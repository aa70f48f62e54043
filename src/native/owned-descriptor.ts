import { closeDescriptor } from './linux-calls.js';

/** The stack where a descriptor was opened. Formatting a stack takes long, so `openedAt` formats the stack on demand. */
class Opening {
  readonly #error: Error;

  constructor(what: string) {
    this.#error = new Error(what);
  }

  get openedAt(): string {
    return this.#error.stack ?? this.#error.message;
  }
}

const open = new Map<number, Opening>();

/** Owns a descriptor that this process opened, and closes the descriptor at the end of a `using` block at the latest. */
export class OwnedDescriptor {
  #fd: number;

  /** @param what Names the descriptor in a report of leaks, such as `netlink socket`. */
  constructor(fd: number, what: string) {
    this.#fd = fd;
    open.set(fd, new Opening(what));
  }

  /** The number; -1 after the close, because the kernel reuses the number. Every call refuses -1 with EBADF. */
  get fd(): number {
    return this.#fd;
  }

  /** Closes the descriptor. Does nothing the second time, even if the kernel has reused the number. */
  close(): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    open.delete(fd);
    closeDescriptor(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Returns the owned descriptors that are still open, each with the stack where it was opened. */
export function openDescriptors(): ReadonlyMap<number, Opening> {
  return open;
}
