import { closeDescriptor } from './linux-calls.js';

interface Opening {
  readonly what: string;
  readonly openedAt: string;
}

const open = new Map<number, Opening>();

/** A descriptor that this process opened and closes itself, at the latest at the end of its `using` block. */
export class OwnedDescriptor {
  readonly fd: number;

  /** `what` names it in a report of leaks, such as `netlink socket`. */
  constructor(fd: number, what: string) {
    this.fd = fd;
    open.set(fd, { what, openedAt: new Error(what).stack ?? what });
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
