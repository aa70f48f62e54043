import net from 'node:net';
import { SystemCallError, UnsupportedError } from '../native/index.js';
import type { ValidPolicy } from '../policy/index.js';
import {
  type AppliedKeepAlive,
  explicitPolicy,
  listenersPassOptionsOn,
  setOnHandle,
  setOnNewHandle,
} from '../socket/index.js';
import { type CallSite, callSite } from './call-site.js';
import { decide, needsLocalPort, type Regime } from './decision.js';
import { handleIntentOf, type Intent, intentOf, isOverruled, mergeIntent } from './intent.js';
import type { Hooks } from './interception.js';
import { Listeners } from './listeners.js';
import { nameOf, peerOf } from './names.js';
import type { Role } from './rules.js';
import { Statistics } from './statistics.js';
import { ownerOf, type TcpHandle, tcpHandleOf } from './tcp-handle.js';
import type { Method } from './wrap.js';

/** What was done to a connection or a listener. */
export interface AppliedEvent {
  readonly role: Role;
  /** The socket or server; `undefined` while Node.js has not made one for an accepted connection yet. */
  readonly target: net.Socket | net.Server | undefined;
  readonly applied: AppliedKeepAlive;
  /** Set where native code opened the socket: there is no target then. */
  readonly native?: true;
}

/** What is known of a handle under the policy. */
interface Governed {
  readonly role: Role;
  /** What was decided for it; `false` where it is left to the program. */
  readonly policy: ValidPolicy | false;
  /** What was last set. */
  set: ValidPolicy | undefined;
}

/** A call of `setKeepAlive` on a socket that is not connected yet. */
interface Request {
  readonly intent: Intent;
  readonly site: CallSite | undefined;
  /** Whether it was counted as overruled: it is carried out twice, when connecting and when connected. */
  isCounted: boolean;
}

function isSame(a: ValidPolicy | undefined, b: ValidPolicy): boolean {
  return (
    a !== undefined &&
    a.idle === b.idle &&
    a.interval === b.interval &&
    a.count === b.count &&
    a.userTimeout === b.userTimeout
  );
}

/** Puts every connection of this thread under a regime, and keeps it there. Nothing that it does throws into a program. */
export class Governor implements Hooks {
  readonly statistics = new Statistics();
  readonly #regime: () => Regime | undefined;
  readonly #onApplied: (event: AppliedEvent) => void;
  readonly #governed = new WeakMap<TcpHandle, Governed>();
  readonly #requests = new WeakMap<net.Socket, Request>();
  readonly #listeners: Listeners;
  readonly #warned = new Set<string>();
  /** Set during a call of a socket's `setKeepAlive`: its handle is then set once, when the call is over. */
  #isInSocketCall = false;
  /** Set while a handle is set through Node's own call. */
  #isSetting = false;

  constructor(regime: () => Regime | undefined, onApplied: (event: AppliedEvent) => void) {
    this.#regime = regime;
    this.#onApplied = onApplied;
    this.#listeners = new Listeners((client) => this.accepted(client));
  }

  connecting(handle: TcpHandle, address: string, port: number): void {
    const regime = this.#regime();
    if (regime === undefined) return;
    const owner = ownerOf(handle);
    const { _host: host } = (owner ?? {}) as { _host?: string | null };
    const localPort = needsLocalPort(regime) ? nameOf(handle)?.port : undefined;
    const facts = {
      role: 'client',
      host: host ?? address,
      remoteAddress: address,
      remotePort: port,
      localPort,
    } as const;
    this.#govern(handle, { role: 'client', policy: decide(regime, facts) ?? false, set: undefined });
  }

  /** A connection that comes without having been connected here: accepted, or handed over by another process. */
  accepted(handle: TcpHandle): void {
    const regime = this.#regime();
    const peer = regime && peerOf(handle);
    if (regime === undefined || peer === undefined) return;
    const facts = {
      role: 'server',
      remoteAddress: peer.address,
      remotePort: peer.port,
      localPort: nameOf(handle)?.port,
    } as const;
    this.#govern(handle, { role: 'server', policy: decide(regime, facts) ?? false, set: undefined });
  }

  listening(handle: TcpHandle): void {
    const regime = this.#regime();
    if (regime === undefined) return;
    const owner = ownerOf(handle);
    const explicit = owner && explicitPolicy(owner);
    const policy = explicit ?? decide(regime, { role: 'server', localPort: nameOf(handle)?.port });
    if (policy === false) return;
    if (policy === undefined || !listenersPassOptionsOn() || !this.#set(handle, 'server', policy, setOnHandle)) {
      this.#listeners.decideEach(handle);
    } else {
      if (this.#listeners.inherits(handle, policy)) this.statistics.listeners += 1;
    }
  }

  /** Decides anew on the listeners that are there: the regime has changed. */
  reconsiderListeners(): void {
    for (const handle of this.#listeners.open()) this.listening(handle);
  }

  /** Counts a connection that this thread's sockets were announced to be: by then it has its handle. */
  announced(socket: net.Socket, server?: net.Server): void {
    const handle = tcpHandleOf(socket);
    const { _handle: own } = socket as unknown as { _handle?: object | null };
    if (handle === undefined && own) this.statistics.skipped.pipe += 1;
    if (handle === undefined || server === undefined || this.#governed.has(handle)) return;
    if (this.#listeners.inherited(server) !== undefined) this.statistics.inherited += 1;
  }

  handleKeepAlive(handle: TcpHandle, args: readonly unknown[], call: () => number): number {
    if (this.#isSetting) return call();
    const governed = this.#governedOf(handle);
    if (governed === undefined || governed.policy === false) return call();
    if (this.#isInSocketCall) return 0;
    const owner = ownerOf(handle);
    const request = owner instanceof net.Socket ? this.#requests.get(owner) : undefined;
    this.#settle(handle, governed, request ?? { intent: handleIntentOf(args), site: undefined, isCounted: true });
    return 0;
  }

  socketKeepAlive(socket: net.Socket, args: readonly unknown[], call: () => net.Socket, called: Method): net.Socket {
    const wasInSocketCall = this.#isInSocketCall;
    this.#isInSocketCall = true;
    let answer: net.Socket;
    try {
      answer = call();
    } finally {
      this.#isInSocketCall = wasInSocketCall;
    }
    if (socket instanceof net.Socket) this.#asked(socket, intentOf(args), called);
    return answer;
  }

  /** A program has asked for something; what there is no connection for yet is kept until there is one. */
  #asked(socket: net.Socket, intent: Intent, called: Method): void {
    const handle = tcpHandleOf(socket);
    const governed = handle && this.#governedOf(handle);
    if (governed === undefined || handle === undefined) {
      if (socket.pending) this.#requests.set(socket, { intent, site: callSite(called), isCounted: false });
    } else if (governed.policy !== false) {
      this.#settle(handle, governed, { intent, site: undefined, isCounted: false }, called);
    }
  }

  /** What is known of an open handle, decided now where it has not been. */
  #governedOf(handle: TcpHandle): Governed | undefined {
    const governed = this.#governed.get(handle);
    const explicit = explicitPolicy(handle);
    if (explicit !== undefined)
      return { role: governed?.role ?? 'client', policy: explicit, set: explicit || undefined };
    if (governed === undefined && handle.fd >= 0) this.#adopt(handle);
    return this.#governed.get(handle);
  }

  /** Decides on a handle that was neither connected nor accepted one by one here. */
  #adopt(handle: TcpHandle): void {
    const { _server: server } = (ownerOf(handle) ?? {}) as { _server?: net.Server | null };
    const policy = server && this.#listeners.inherited(server);
    if (policy) this.#governed.set(handle, { role: 'server', policy, set: policy });
    else this.accepted(handle);
  }

  #govern(handle: TcpHandle, governed: Governed): void {
    const owner = ownerOf(handle);
    const explicit = explicitPolicy(handle) ?? (owner && explicitPolicy(owner));
    const decided = explicit === undefined ? governed : { ...governed, policy: explicit };
    this.#governed.set(handle, decided);
    if (decided.policy === false) {
      this.statistics.skipped.optedOut += 1;
      return;
    }
    const request = owner instanceof net.Socket ? this.#requests.get(owner) : undefined;
    if (this.#settle(handle, decided, request)) this.statistics.set += 1;
  }

  /** Gives a handle what the policy and the program's request come to, if it does not have that; says whether it has it. */
  #settle(handle: TcpHandle, governed: Governed, request: Request | undefined, called?: Method): boolean {
    const base = governed.policy as ValidPolicy;
    const isExplicit = explicitPolicy(handle) !== undefined;
    const mode = isExplicit ? 'enforce' : (this.#regime()?.mode ?? 'enforce');
    const wanted = mergeIntent(base, request?.intent, mode);
    if (request !== undefined && !request.isCounted && isOverruled(request.intent, wanted)) {
      request.isCounted = true;
      this.statistics.overruled(request.site ?? (called && callSite(called)));
    }
    if (isSame(governed.set, wanted)) return true;
    const isNew = governed.role === 'client' && governed.set === undefined;
    if (!this.#set(handle, governed.role, wanted, isNew ? setOnNewHandle : setOnHandle)) return false;
    governed.set = wanted;
    return true;
  }

  #set(handle: TcpHandle, role: Role, policy: ValidPolicy, set: typeof setOnNewHandle): boolean {
    this.#isSetting = true;
    try {
      const applied = set(handle, policy);
      this.#onApplied({ role, target: ownerOf(handle), applied });
      return true;
    } catch (error) {
      this.refused(error);
      return false;
    } finally {
      this.#isSetting = false;
    }
  }

  /** Counts a connection that did not get its policy, and warns once for each reason. */
  refused(error: unknown): void {
    if (error instanceof UnsupportedError) this.statistics.skipped.noDescriptor += 1;
    else this.statistics.skipped.refused += 1;
    // A socket that was closed meanwhile needs no policy.
    if (error instanceof SystemCallError && error.code === 'EBADF') return;
    const message = error instanceof Error ? error.message : String(error);
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    process.emitWarning(`a connection runs without the keepalive policy: ${message}`, 'KeepAliveWarning');
  }
}
