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
  readonly fd: number;

  /** `what` names it in a report of leaks, such as `netlink socket`. */
  constructor(fd: number, what: string) {
    this.fd = fd;
    open.set(fd, new Opening(what));
  }

  /** Closes it; safe to call twice. */
  close(): void {
    if (open.delete(this.fd)) closeDescriptor(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The owned descriptors that are still open, each with where it was opened. */
export function openDescriptors(): ReadonlyMap<number, Opening> {
  return open;
}
