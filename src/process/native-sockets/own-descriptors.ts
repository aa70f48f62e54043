import { readdirSync, readFileSync } from 'node:fs';
import { SystemCallError } from '../../native/errors.js';
import { inodeOf } from '../../native/inode.js';
import { type OptionReader, optionReader, readIntOption, SO_COOKIE } from '../../native/socket/socket-options.js';
import { isListener } from '../../node/listener.js';
import type { TcpHandle } from '../../node/tcp-handle.js';
import { nameOf } from '../../node/tcp-handle.js';

/** include/uapi/asm-generic/socket.h */
const SO_PROTOCOL = { name: 'SO_PROTOCOL', level: 1, option: 38 };
const SO_DOMAIN = { name: 'SO_DOMAIN', level: 1, option: 39 };

const IPPROTO_TCP = 6;
/** AF_INET and AF_INET6. */
const internet: readonly number[] = [2, 10];

/** The kinds of a descriptor. The visitor gets the descriptors whose kind is above `left`. */
export const kinds = {
  /** No TCP socket, or not open. */
  other: 0,
  /** A TCP socket that is left as it is: of Node.js, of this package, or open before the first pass. */
  left: 1,
  /** A TCP socket without a decision; larger numbers count the passes that found the socket. */
  undecided: 4,
  /** A connection that has the policy. */
  managed: 2,
  /** A listener that has the policy, or whose connections get a policy one by one. */
  listener: 3,
} as const;

/** Handles a TCP socket that Node.js did not open in this thread. Returns the socket's kind. */
export type Visitor = (fd: number, kind: number) => number;

/** Returns the inode of each descriptor of this process, without the FFI. */
export function openInodes(): Map<number, number> {
  const inodes = new Map<number, number>();
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    const inode = inodeOf(fd);
    if (inode !== undefined) inodes.set(fd, inode);
  }
  return inodes;
}

/** Returns the size of the process's table of descriptors (fs/proc/array.c). */
export function tableSize(): number {
  const status = readFileSync('/proc/self/status', 'latin1');
  return Number(/^FDSize:\s*(\d+)/m.exec(status)?.[1]);
}

/**
 * The descriptors of this process, each with its socket's cookie, which differs if a number is reused. Reading a cookie is
 * one call; the links in /proc/self/fd take a listing and a call each, and have no cookies.
 */
export class OwnDescriptors {
  #reader: OptionReader | undefined;
  #kinds = new Uint8Array(0);
  #cookies = new Uint32Array(0);
  /** The handles of this thread by descriptor; a closed handle has the descriptor -1. */
  readonly #handles: (TcpHandle | undefined)[] = [];

  /** Remembers that Node.js has opened the descriptor of a handle in this thread. */
  opened(handle: TcpHandle): void {
    if (handle.fd >= 0) this.#handles[handle.fd] = handle;
  }

  /**
   * Returns whether a listener of Node.js has this local port. An accepted connection has no owner while the primary of a
   * cluster waits for a worker to take the connection (lib/internal/cluster/round_robin_handle.js).
   */
  hasListener(port: number): boolean {
    const isAtPort = (handle: TcpHandle) => isListener(handle) && nameOf(handle)?.port === port;
    return this.#handles.some((handle) => handle !== undefined && handle.fd >= 0 && isAtPort(handle));
  }

  /**
   * Calls the visitor for each TCP socket, except sockets of the kind `left` and sockets that Node.js opened in this thread.
   *
   * @param first The first number to check.
   * @param step From there on, checks one number in so many.
   */
  pass(visit: Visitor, first: number, step: number): void {
    const size = tableSize();
    this.#grow(size);
    for (let fd = first; fd < size; fd += step) {
      if (this.#isOwned(fd)) continue;
      if (!this.#isSame(fd)) this.#kinds[fd] = this.#isTcp(fd) ? kinds.undecided : kinds.other;
      const kind = this.#kinds[fd] as number;
      if (kind > kinds.left) this.#kinds[fd] = visit(fd, kind);
    }
  }

  /** Changes the kind of the descriptor that the last pass found under a number. */
  update(fd: number, change: (kind: number) => number): void {
    this.#kinds[fd] = change(this.#kinds[fd] as number);
  }

  /** Returns whether the number still stands for the socket that the last pass found. */
  isUnchanged(fd: number): boolean {
    const { view } = this.#cookie;
    if (this.#cookie.read(fd) !== 8) return false;
    return view.getUint32(0) === this.#cookies[2 * fd] && view.getUint32(4) === this.#cookies[2 * fd + 1];
  }

  get #cookie(): OptionReader {
    this.#reader ??= optionReader(SO_COOKIE, 8);
    return this.#reader;
  }

  #isOwned(fd: number): boolean {
    const handle = this.#handles[fd];
    if (handle === undefined) return false;
    if (handle.fd === fd) {
      this.#kinds[fd] = kinds.left;
      return true;
    }
    this.#handles[fd] = undefined;
    return false;
  }

  /** Returns the same as {@link isUnchanged}, and remembers the present socket of the number. */
  #isSame(fd: number): boolean {
    const { view } = this.#cookie;
    const isSocket = this.#cookie.read(fd) === 8;
    const first = isSocket ? view.getUint32(0) : 0;
    const second = isSocket ? view.getUint32(4) : 0;
    const at = 2 * fd;
    if (first === this.#cookies[at] && second === this.#cookies[at + 1]) return true;
    this.#cookies[at] = first;
    this.#cookies[at + 1] = second;
    return false;
  }

  #isTcp(fd: number): boolean {
    if (this.#cookies[2 * fd] === 0 && this.#cookies[2 * fd + 1] === 0) return false;
    try {
      return readIntOption(fd, SO_PROTOCOL) === IPPROTO_TCP && internet.includes(readIntOption(fd, SO_DOMAIN));
    } catch (error) {
      // Another thread has closed the descriptor meanwhile.
      if (error instanceof SystemCallError) return false;
      throw error;
    }
  }

  #grow(size: number): void {
    if (size <= this.#kinds.length) return;
    const [old, oldCookies] = [this.#kinds, this.#cookies];
    this.#kinds = new Uint8Array(size);
    this.#cookies = new Uint32Array(2 * size);
    this.#kinds.set(old);
    this.#cookies.set(oldCookies);
  }
}
