import type net from 'node:net';
import type { ValidPolicy } from '../policy/index.js';
import { type TcpHandle, tcpHandleOf } from './tcp-handle.js';

/** The listeners of this thread, which are not kept from being collected. */
export class Listeners {
  readonly #accepted: (client: TcpHandle) => void;
  readonly #inheriting = new WeakMap<TcpHandle, ValidPolicy>();
  readonly #decidingEach = new WeakSet<TcpHandle>();
  #known: WeakRef<TcpHandle>[] = [];
  #pruneAt = 16;

  /** `accepted` is called for each connection of listeners whose connections are decided on one by one. */
  constructor(accepted: (client: TcpHandle) => void) {
    this.#accepted = accepted;
  }

  /** Its connections have this policy from it; says whether that is new. */
  inherits(handle: TcpHandle, policy: ValidPolicy): boolean {
    const isNew = !this.#inheriting.has(handle);
    this.#remember(handle);
    this.#inheriting.set(handle, policy);
    return isNew;
  }

  /** Its connections are to be decided on one by one, before Node.js or a program sees them. */
  decideEach(handle: TcpHandle): void {
    this.#inheriting.delete(handle);
    if (this.#decidingEach.has(handle)) return;
    this.#remember(handle);
    this.#decidingEach.add(handle);
    const { onconnection } = handle;
    if (onconnection === undefined) return;
    const accepted = (client: TcpHandle) => {
      if (!this.#inheriting.has(handle)) this.#accepted(client);
    };
    handle.onconnection = function onConnection(status, client) {
      if (status === 0 && client !== undefined) accepted(client);
      Reflect.apply(onconnection, this, [status, client]);
    };
  }

  /** The policy that a server's connections have from its listener. */
  inherited(server: net.Server): ValidPolicy | undefined {
    const handle = tcpHandleOf(server);
    return handle && this.#inheriting.get(handle);
  }

  /** Those that are still open. */
  open(): TcpHandle[] {
    return this.#known.flatMap((reference) => {
      const handle = reference.deref();
      return handle !== undefined && handle.fd >= 0 ? [handle] : [];
    });
  }

  #remember(handle: TcpHandle): void {
    if (this.#inheriting.has(handle) || this.#decidingEach.has(handle)) return;
    this.#known.push(new WeakRef(handle));
    if (this.#known.length < this.#pruneAt) return;
    this.#known = this.open().map((open) => new WeakRef(open));
    this.#pruneAt = this.#known.length * 2 + 16;
  }
}
