import type net from 'node:net';
import { UnsupportedError } from '../../native/errors.js';
import { Socket } from '../../node/classes.js';
import { type ConnectRequest, onConnecting } from '../../node/connection-hooks.js';
import { quietly } from '../../node/guarded.js';
import { carrierOf, descriptorOf } from '../../node/handle.js';
import { clearTimer, setTimer, type Timer } from '../../node/real-time.js';
import { ownerOf, type TcpHandle } from '../../node/tcp-handle.js';

/** The time between checks of sockets whose connect call no hook reports: it was made before the socket was added. */
const checkMs = 25;

/** The receiver of events of connecting sockets. */
export interface ConnectFollower {
  /** A socket has a descriptor, and is connecting: once for each address that it tries. */
  opened(socket: net.Socket): void;
  /** A socket was connected, and its own `connect` listeners have run. */
  connected(socket: net.Socket): void;
}

/**
 * Holds the sockets that are connecting, without keeping them from garbage collection. Wraps `connect` of Node's TCP handles to
 * notice the end of connecting: a program could remove a listener.
 */
export class ConnectingSockets {
  readonly #follower: ConnectFollower;
  readonly #isAll: boolean;
  /** The sockets that wait, by the socket that connects: TLS on top of it, or the socket itself. */
  #waiting = new WeakMap<net.Socket, Set<net.Socket>>();
  /** Sockets whose connect call was made before they were added. Their handles hold them as well. */
  readonly #underWay = new Set<net.Socket>();
  #timer: Timer | undefined;
  #stopHearing: (() => void) | undefined;

  /** @param isAll Whether to report every connection that this thread opens. */
  constructor(follower: ConnectFollower, isAll: boolean) {
    this.#follower = follower;
    this.#isAll = isAll;
    if (isAll) this.#stopHearing = onConnecting(this.#connecting);
  }

  add(socket: net.Socket): void {
    const carrier = carrierOf(socket);
    const waiting = this.#waiting.get(carrier);
    if (waiting === undefined) this.#waiting.set(carrier, new Set([socket]));
    else waiting.add(socket);
    if (!this.#canHear()) carrier.once('connect', () => this.#settle(carrier));
    else if (descriptorOf(carrier) !== undefined) this.#checkUntilConnected(carrier);
  }

  has(socket: net.Socket): boolean {
    return this.#waiting.get(carrierOf(socket))?.has(socket) ?? false;
  }

  delete(socket: net.Socket): boolean {
    return this.#waiting.get(carrierOf(socket))?.delete(socket) ?? false;
  }

  close(): void {
    this.#stopHearing?.();
    this.#waiting = new WeakMap();
    this.#underWay.clear();
    clearTimer(this.#timer);
  }

  /** Returns whether connect calls are reported: not in Bun. */
  #canHear(): boolean {
    try {
      this.#stopHearing ??= onConnecting(this.#connecting);
      return true;
    } catch (error) {
      if (error instanceof UnsupportedError) return false;
      throw error;
    }
  }

  readonly #connecting = (handle: TcpHandle, _address: string, _port: number, request: ConnectRequest): void => {
    const owner = ownerOf(handle);
    if (!(owner instanceof Socket)) return;
    if (this.#isAll && !this.#waiting.has(owner)) this.#waiting.set(owner, new Set([owner]));
    const { oncomplete } = request;
    if (!this.#waiting.has(owner) || typeof oncomplete !== 'function') return;
    quietly(() => this.#follower.opened(owner));
    const settle = () => this.#settle(owner);
    request.oncomplete = function (this: unknown, ...args: unknown[]) {
      try {
        return Reflect.apply(oncomplete, this, args);
      } finally {
        quietly(settle);
      }
    };
  };

  /** One of several addresses may have failed: the socket then goes on connecting. */
  #settle(carrier: net.Socket): void {
    const waiting = this.#waiting.get(carrier);
    if (waiting === undefined || (carrier.pending && !carrier.destroyed)) return;
    this.#waiting.delete(carrier);
    this.#underWay.delete(carrier);
    if (!carrier.destroyed) for (const socket of waiting) quietly(() => this.#follower.connected(socket));
  }

  #checkUntilConnected(carrier: net.Socket): void {
    this.#follower.opened(carrier);
    this.#underWay.add(carrier);
    this.#timer ??= setTimer(this.#check, checkMs);
  }

  readonly #check = (): void => {
    for (const carrier of this.#underWay) {
      if (carrier.destroyed || this.#waiting.get(carrier) === undefined) this.#underWay.delete(carrier);
      quietly(() => this.#settle(carrier));
    }
    this.#timer = this.#underWay.size > 0 ? setTimer(this.#check, checkMs) : undefined;
  };
}
