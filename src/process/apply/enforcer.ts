import type net from 'node:net';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { Socket } from '../../node/classes.js';
import type { Hooks } from '../../node/connection-hooks.js';
import { guarded } from '../../node/guarded.js';
import { handleOf } from '../../node/handle.js';
import { listeningServers, serverOf } from '../../node/listener.js';
import { hostOf, nameOf, ownerOf, peerOf, type TcpHandle, tcpHandleOf } from '../../node/tcp-handle.js';
import { messageOf, warnOnce } from '../../node/warn-once.js';
import type { Method } from '../../node/wrap.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { hasPolicy, setOnHandle, setOnNewHandle } from '../../socket/connection.js';
import { explicitPolicy, rememberOnHandle } from '../../socket/explicit-policy.js';
import { isComplete } from '../../socket/planned-state.js';
import { listenersPassOptionsOn } from '../../socket/server.js';
import type { SocketKeepAlive } from '../../socket/state.js';
import type { Endpoint } from '../../wire/endpoint.js';
import { endsOf } from '../connection-name.js';
import { type ActivePolicy, type ConnectionPolicy, needsLocalPort, policyFor, policyWith } from './active-policy.js';
import type { Told } from './applied-event.js';
import { callSite } from './call-site.js';
import { Listeners, queuedOn } from './listeners.js';
import { ReadBackSample } from './read-back-sample.js';
import { receivedPolicy } from './received-policy.js';
import {
  type EarlierCalls,
  isOverruled,
  type KeepAliveCall,
  mergeRequest,
  mergeRequests,
  type RequestedKeepAlive,
  requestOf,
  requestOnHandle,
} from './requested-keep-alive.js';
import type { ConnectionRole } from './rules.js';
import { Statistics } from './statistics.js';

/** A connection and the decision on it. */
interface Connection {
  readonly role: ConnectionRole;
  policy: ConnectionPolicy;
  /** The peer, if the options are set while connecting. */
  readonly peer?: Endpoint | undefined;
  /** What the program's calls of `setKeepAlive` have asked for so far. */
  requested: RequestedKeepAlive | undefined;
  /** What was last set. */
  set: ValidPolicy | false | undefined;
}

/** Returns whether a handle has a policy. Asks the kernel, because an addon or another process may have set options since. */
function isInForce(handle: TcpHandle, wanted: ValidPolicy | false, set: ValidPolicy | false): boolean {
  try {
    return hasPolicy(handle, wanted, set);
  } catch {
    // The attempt to set the policy will report the error.
    return false;
  }
}

/** Keeps every connection of this thread under an active policy. */
export class Enforcer implements Hooks {
  readonly statistics = new Statistics();
  readonly #activePolicy: () => ActivePolicy | undefined;
  readonly #onApplied: Told;
  readonly #connections = new WeakMap<TcpHandle, Connection>();
  readonly #sample = new ReadBackSample();
  readonly #requests = new WeakMap<net.Socket, EarlierCalls>();
  readonly #listeners = new Listeners((client, listener) => void guarded(() => this.accepted(client, listener)));
  /** Set during a call of a socket's `setKeepAlive`: its handle is then set once, when the call is over. */
  #isInSocketCall = false;
  /** Set while a handle is set through Node's own call. */
  #isSetting = false;
  /** True during `onApplied`: connections that the callback sets are not reported. */
  #isTelling = false;

  constructor(activePolicy: () => ActivePolicy | undefined, onApplied: Told) {
    this.#activePolicy = activePolicy;
    this.#onApplied = onApplied;
  }

  connecting(handle: TcpHandle, address: string, port: number): void {
    const activePolicy = this.#activePolicy();
    if (activePolicy === undefined) return;
    const localPort = needsLocalPort(activePolicy) ? nameOf(handle)?.port : undefined;
    const facts = {
      role: 'client',
      host: hostOf(ownerOf(handle)) ?? address,
      remoteAddress: address,
      remotePort: port,
      localPort,
    } as const;
    this.#decide(handle, 'client', policyFor(activePolicy, facts) ?? 'unmanaged', { address, port });
  }

  /** A connection that comes without having been connected here. */
  accepted(handle: TcpHandle, listener?: TcpHandle): void {
    const policy = this.#policyOfAccepted(handle, listener && ownerOf(listener));
    if (policy !== undefined) this.#decide(handle, 'server', policy);
  }

  /** A connection that another process hands over: what its program set explicitly there stays explicit here. */
  handedOver(handle: TcpHandle): void {
    const policy = this.#policyOfAccepted(handle);
    if (policy === undefined) return;
    guarded(() => {
      if (policy === 'unmanaged' || explicitPolicy(handle) !== undefined) return;
      const received = receivedPolicy(handle, policy);
      if (received !== undefined) rememberOnHandle(handle, received);
    });
    this.#decide(handle, 'server', policy);
  }

  /** Returns undefined if there is no active policy, or the handle is not connected. */
  #policyOfAccepted(handle: TcpHandle, server?: net.Socket | net.Server): ConnectionPolicy | undefined {
    const activePolicy = this.#activePolicy();
    const peer = activePolicy && peerOf(handle);
    if (activePolicy === undefined || peer === undefined) return undefined;
    const facts = {
      role: 'server',
      remoteAddress: peer.address,
      remotePort: peer.port,
      localPort: nameOf(handle)?.port,
    } as const;
    return policyWith(server && explicitPolicy(server), policyFor(activePolicy, facts) ?? 'unmanaged');
  }

  listening(handle: TcpHandle): void {
    const activePolicy = this.#activePolicy();
    if (activePolicy === undefined) return;
    const owner = ownerOf(handle);
    const explicit = owner && explicitPolicy(owner);
    const decided = policyFor(activePolicy, { role: 'server', localPort: nameOf(handle)?.port });
    const policy =
      decided === undefined && explicit && !isComplete(explicit) ? undefined : policyWith(explicit, decided);
    if (policy === 'unmanaged') {
      this.#listeners.leaveAlone(handle);
      return;
    }
    const passesOn = policy !== undefined && listenersPassOptionsOn();
    const applied = passesOn ? this.#set(handle, policy, setOnHandle) : undefined;
    if (policy === undefined || applied === undefined) {
      this.#listeners.decideEach(handle);
      return;
    }
    if (this.#listeners.inherits(handle, policy, queuedOn(owner))) this.statistics.listeners += 1;
    this.#tell(handle, 'server', applied);
  }

  /** Decides again on all present listeners, also on those that listened before there was an active policy. */
  reconsiderListeners(): void {
    for (const handle of this.#listeners.open()) guarded(() => this.listening(handle));
    for (const server of listeningServers()) guarded(() => this.#discover(server));
  }

  /** Decides on a server that is seen for the first time. */
  #discover(server: net.Server): void {
    const handle = tcpHandleOf(server);
    if (handle !== undefined && !this.#listeners.has(handle)) this.listening(handle);
  }

  /** Handles a message of the channels `net.client.socket` and `net.server.socket`. The socket has its handle. */
  onSocketChannel(socket: net.Socket, server?: net.Server): void {
    const handle = tcpHandleOf(socket);
    if (handle === undefined && handleOf(socket)) this.statistics.skipped.pipe += 1;
    if (handle === undefined || server === undefined || this.#connections.has(handle)) return;
    const listener = tcpHandleOf(server);
    if (this.#listeners.inherited(server) !== undefined) this.statistics.inherited += 1;
    else if (listener === undefined || !this.#listeners.has(listener)) {
      this.#discover(server);
      this.accepted(handle, listener);
    }
  }

  handleKeepAlive(handle: TcpHandle, args: readonly unknown[]): number | undefined {
    if (this.#isSetting) return undefined;
    const connection = this.#connectionOf(handle);
    if (connection === undefined || connection.policy === 'unmanaged') return undefined;
    if (this.#isInSocketCall) return 0;
    const owner = ownerOf(handle);
    const request = owner instanceof Socket ? this.#requests.get(owner) : undefined;
    // Node.js itself applies earlier calls and the options that the server was created with.
    if (request === undefined) connection.requested = mergeRequests(connection.requested, requestOnHandle(args));
    this.#enforce(handle, connection, request?.last);
    return 0;
  }

  duringSocketCall(call: () => net.Socket): net.Socket {
    const wasInSocketCall = this.#isInSocketCall;
    this.#isInSocketCall = true;
    try {
      return call();
    } finally {
      this.#isInSocketCall = wasInSocketCall;
    }
  }

  /** A program has asked for something; what there is no connection for yet is kept until there is one. */
  socketKeepAlive(socket: net.Socket, args: readonly unknown[], called: Method): void {
    if (!(socket instanceof Socket)) return;
    const requested = requestOf(args);
    const handle = tcpHandleOf(socket);
    const connection = handle && this.#connectionOf(handle);
    if (connection === undefined || handle === undefined) {
      if (!socket.pending) return;
      const site = callSite(called);
      const last: KeepAliveCall = { requested, site: () => site, isCounted: false };
      this.#requests.set(socket, { requested: mergeRequests(this.#requests.get(socket)?.requested, requested), last });
    } else if (connection.policy !== 'unmanaged') {
      connection.requested = mergeRequests(connection.requested, requested);
      this.#enforce(handle, connection, { requested, site: () => callSite(called), isCounted: false });
    }
  }

  /** What is known of an open handle, decided now where it has not been. */
  #connectionOf(handle: TcpHandle): Connection | undefined {
    const explicit = explicitPolicy(handle);
    const known = this.#connections.get(handle);
    if (explicit === undefined) {
      if (known === undefined && handle.fd >= 0) this.#adopt(handle);
      return this.#connections.get(handle);
    }
    if (known?.policy === explicit) return known;
    const { role = 'client', requested } = known ?? {};
    const connection = { role, policy: explicit, requested, set: explicit };
    this.#connections.set(handle, connection);
    return connection;
  }

  /** Decides on a handle that was neither connected nor accepted one by one here. */
  #adopt(handle: TcpHandle): void {
    const server = serverOf(ownerOf(handle));
    const policy = server && (explicitPolicy(server) ?? this.#listeners.inherited(server));
    if (policy !== undefined) {
      this.#connections.set(handle, { role: 'server', policy, requested: undefined, set: policy });
    } else this.accepted(handle);
  }

  /** Decides on a new connection, and sets its options. */
  #decide(handle: TcpHandle, role: ConnectionRole, decided: ConnectionPolicy, peer?: Endpoint): void {
    const owner = ownerOf(handle);
    const policy = policyWith(explicitPolicy(handle) ?? (owner && explicitPolicy(owner)), decided);
    const request = owner instanceof Socket ? this.#requests.get(owner) : undefined;
    const connection: Connection = { role, policy, peer, requested: request?.requested, set: undefined };
    this.#connections.set(handle, connection);
    if (policy === 'unmanaged') this.statistics.skipped.unmanaged += 1;
    else this.#enforce(handle, connection, request?.last);
  }

  /** Sets the options that follow from the policy and the program's calls, if needed. */
  #enforce(handle: TcpHandle, connection: Connection, call: KeepAliveCall | undefined): void {
    const isExplicit = explicitPolicy(handle) !== undefined;
    const mode = isExplicit ? 'enforce' : (this.#activePolicy()?.mode ?? 'enforce');
    const wanted = mergeRequest(connection.policy as ValidPolicy | false, connection.requested, mode);
    if (call !== undefined && !call.isCounted && isOverruled(call.requested, wanted)) {
      call.isCounted = true;
      this.statistics.overruled(call.site());
    }
    const { role, set, peer } = connection;
    if (set !== undefined && isInForce(handle, wanted, set)) return;
    const isNew = peer !== undefined && set === undefined;
    const isReadBack = !isNew || this.#sample.includes(connection.policy, peer.address);
    const setOnNew = () => setOnNewHandle(handle, wanted, isReadBack);
    const applied = this.#set(handle, wanted, isNew ? setOnNew : setOnHandle);
    if (applied === undefined) return;
    if (set === undefined) this.statistics.wasSet(applied);
    connection.set = wanted;
    this.#tell(handle, role, applied, peer);
  }

  #set(handle: TcpHandle, policy: ValidPolicy | false, set: typeof setOnHandle): SocketKeepAlive | undefined {
    this.#isSetting = true;
    try {
      return set(handle, policy);
    } catch (error) {
      this.refused(error);
      return undefined;
    } finally {
      this.#isSetting = false;
    }
  }

  #tell(handle: TcpHandle, role: ConnectionRole, applied: SocketKeepAlive, peer?: Endpoint): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      this.#onApplied({ role, target: ownerOf(handle), applied }, () => endsOf(handle, peer));
    } finally {
      this.#isTelling = false;
    }
  }

  /** Counts a connection that did not get its policy, and warns once for each reason. */
  refused(error: unknown): void {
    if (error instanceof UnsupportedError) this.statistics.skipped.noDescriptor += 1;
    else this.statistics.skipped.refused += 1;
    // A socket that was closed meanwhile needs no policy.
    if (error instanceof SystemCallError && error.code === 'EBADF') return;
    warnOnce(`a connection runs without the keepalive policy: ${messageOf(error)}`);
  }
}
