import { closeDescriptor } from './linux-calls.js';

/** Where a descriptor was opened. Writing the stack out takes most of the time, so that waits until it is asked for. */
class Opening {
  readonly #place: Error;

  constructor(what: string) {
    this.#place = new Error(what);
  }

  get openedAt(): string {
    return this.#place.stack ?? this.#place.message;
  }
}

const open = new Map<number, Opening>();

/** A descriptor that this process opened and closes itself, at the latest at the end of its `using` block. */
export class OwnedDescriptor {
  #fd: number;

  /** `what` names it in a report of leaks, such as `netlink socket`. */
  constructor(fd: number, what: string) {
    this.#fd = fd;
    open.set(fd, new Opening(what));
  }

  /** The number, or -1 once closed: the kernel reuses the number, and every call refuses -1 with EBADF. */
  get fd(): number {
    return this.#fd;
  }

  /** Closes it; safe to call twice, also after the kernel gave the number out again. */
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

/** The owned descriptors that are still open, each with where it was opened. */
export function openDescriptors(): ReadonlyMap<number, Opening> {
  return open;
}
