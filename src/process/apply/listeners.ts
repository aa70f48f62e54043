import type net from 'node:net';
import { Server } from '../../node/classes.js';
import { descriptorOf } from '../../node/handle.js';
import { isListener, onConnection } from '../../node/listener.js';
import { type TcpHandle, tcpHandleOf } from '../../node/tcp-handle.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { readTcpInfo } from '../../socket/tcp-info.js';
import type { ConnectionPolicy } from './active-policy.js';

/** The connections that wait to be accepted from a listener. */
export function queuedOn(server: net.Socket | net.Server | undefined): number {
  const fd = server instanceof Server && server.listening ? descriptorOf(server) : undefined;
  return fd === undefined ? 0 : readTcpInfo(fd).unacked;
}

type Accepted = (client: TcpHandle, listener: TcpHandle) => void;

/** The decision on a listener. */
interface Decision {
  /** The policy that connections inherit; `'each'` if each is decided on by itself. */
  policy: ConnectionPolicy | 'each';
  /** How many of the next connections do not inherit, because they were queued when the listener got the policy. */
  queued: number;
  isFollowed: boolean;
}

/** The listeners of this thread, which are not kept from being collected. */
export class Listeners {
  readonly #accepted: Accepted;
  readonly #decisions = new WeakMap<TcpHandle, Decision>();
  #known: WeakRef<TcpHandle>[] = [];
  #pruneAt = 16;

  /** `accepted` is called for each connection that does not inherit, before Node.js or a program sees it. */
  constructor(accepted: Accepted) {
    this.#accepted = accepted;
  }

  /** Marks a listener's connections as inheriting a policy, except for queued ones. Returns whether that is new. */
  inherits(handle: TcpHandle, policy: ValidPolicy | false, queued: number): boolean {
    const decision = this.#decisionOf(handle);
    const isNew = decision.policy === 'unmanaged' || decision.policy === 'each';
    Object.assign(decision, { policy, queued });
    if (queued > 0) this.#follow(handle, decision);
    return isNew;
  }

  /** Marks a listener's connections as decided on one by one. */
  decideEach(handle: TcpHandle): void {
    const decision = this.#decisionOf(handle);
    decision.policy = 'each';
    this.#follow(handle, decision);
  }

  /** Marks a listener's connections as left to the program. */
  leaveAlone(handle: TcpHandle): void {
    this.#decisionOf(handle).policy = 'unmanaged';
  }

  has(handle: TcpHandle): boolean {
    return this.#decisions.has(handle);
  }

  /** Returns the policy that a server's connections inherit from its listener. */
  inherited(server: net.Server): ValidPolicy | false | undefined {
    const handle = tcpHandleOf(server);
    const policy = handle && this.#decisions.get(handle)?.policy;
    return policy === 'each' || policy === 'unmanaged' ? undefined : policy;
  }

  /** Those that are still open. */
  open(): TcpHandle[] {
    return this.#known.flatMap((reference) => {
      const handle = reference.deref();
      return handle !== undefined && handle.fd >= 0 ? [handle] : [];
    });
  }

  #follow(handle: TcpHandle, decision: Decision): void {
    if (decision.isFollowed || !isListener(handle)) return;
    decision.isFollowed = true;
    const accepted = (client: TcpHandle) => {
      if (decision.policy !== 'each' && decision.queued <= 0) return;
      decision.queued -= 1;
      this.#accepted(client, handle);
    };
    onConnection(handle, (client, proceed) => {
      accepted(client);
      proceed();
    });
  }

  #decisionOf(handle: TcpHandle): Decision {
    const known = this.#decisions.get(handle);
    if (known !== undefined) return known;
    const decision: Decision = { policy: 'unmanaged', queued: 0, isFollowed: false };
    this.#decisions.set(handle, decision);
    this.#known.push(new WeakRef(handle));
    if (this.#known.length >= this.#pruneAt) {
      this.#known = this.open().map((open) => new WeakRef(open));
      this.#pruneAt = this.#known.length * 2 + 16;
    }
    return decision;
  }
}
