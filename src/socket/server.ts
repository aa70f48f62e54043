import type net from 'node:net';
import { Server, Socket } from '../node/classes.js';
import { descriptorOf, type Handle, handleOf } from '../node/handle.js';
import {
  afterNextKeepAlive,
  connectionSource,
  onConnection,
  onListening,
  setsKeepAliveOnAccept,
} from '../node/listener.js';
import { ownerOf } from '../node/tcp-handle.js';
import type { ValidPolicy } from '../policy/policy.js';
import { checkApplicable, setOnHandle } from './connection.js';
import { canUseDescriptors } from './descriptors.js';
import { rememberExplicit, rememberOnHandle } from './explicit-policy.js';
import { writePolicy } from './options.js';
import { mergePolicies, type PlannedPolicy, plannedState } from './planned-state.js';
import { currentPlatform } from './platforms/index.js';
import type { ServerKeepAlive } from './state.js';
import { assertExtensible } from './target.js';
import { readTcpInfo } from './tcp-info.js';

/** Returns whether listeners can hand their options to the connections that they accept. */
export function listenersPassOptionsOn(): boolean {
  return canUseDescriptors() && currentPlatform().listenerOptionsInherited;
}

/** Returns whether this listener does. */
function passesOptionsOn(server: net.Server): boolean {
  if (!listenersPassOptionsOn()) return false;
  return descriptorOf(server) !== undefined && !setsKeepAliveOnAccept(server);
}

/**
 * The policy of a server. Applies the policy to the listener each time the server listens, and to accepted connections
 * that do not inherit it. Wraps methods of the server and its handle, because a program counts and removes listeners.
 */
class ServerPolicy {
  policy: PlannedPolicy;
  readonly #server: net.Server;
  /** How many of the next connections need the policy set: those that were waiting to be accepted before it was. */
  #unprotected = 0;
  /** The handle whose connections are followed, or the server itself in runtimes without such handles. */
  #followed: object | undefined;

  constructor(server: net.Server, policy: PlannedPolicy) {
    this.#server = server;
    this.policy = policy;
  }

  follow(): void {
    onListening(this.#server, (emitError) => this.#listening(emitError));
  }

  #listening(failed: (error: unknown) => void): void {
    try {
      this.apply(this.policy);
    } catch (error) {
      failed(error);
    }
  }

  apply(policy: PlannedPolicy): ServerKeepAlive {
    const state = passesOptionsOn(this.#server) ? this.#setOnListener(policy) : undefined;
    this.policy = policy;
    if (state === undefined) this.#unprotected = Number.POSITIVE_INFINITY;
    if (this.#unprotected > 0) this.#followConnections();
    return state ?? this.state;
  }

  #setOnListener(policy: PlannedPolicy): ServerKeepAlive {
    const fd = descriptorOf(this.#server) as number;
    const state = writePolicy(fd, policy, currentPlatform());
    this.#unprotected = readTcpInfo(fd).unacked;
    return { ...state, connections: 'inherited' };
  }

  get state(): ServerKeepAlive {
    const planned = plannedState(this.policy);
    return this.#server.listening ? { ...planned, connections: 'set-on-accept' } : { ...planned, status: 'pending' };
  }

  #followConnections(): void {
    const source = connectionSource(this.#server);
    if (this.#followed === source) return;
    this.#followed = source;
    if (source instanceof Server)
      source.prependListener('connection', (socket) => this.#accept(handleOf(socket), () => {}, socket));
    else onConnection(source, (client, proceed) => this.#accept(client, proceed));
  }

  /** Sets the policy on an accepted connection. `proceed` makes Node.js create the connection's socket. */
  #accept(client: Handle | undefined, proceed: () => void, accepted?: net.Socket): void {
    if (this.#unprotected <= 0 || client === undefined) {
      proceed();
      return;
    }
    this.#unprotected -= 1;
    let failure: Error | undefined;
    const set = () => {
      try {
        setOnHandle(client, this.policy);
        rememberOnHandle(client, this.policy);
      } catch (error) {
        failure ??= error as Error;
      }
    };
    set();
    const restore = setsKeepAliveOnAccept(this.#server) ? afterNextKeepAlive(client, set) : () => {};
    try {
      proceed();
    } finally {
      restore();
      const socket = failure && (accepted ?? ownerOf(client));
      if (socket instanceof Socket) socket.destroy(failure);
    }
  }
}

const serverPolicies = new WeakMap<net.Server, ServerPolicy>();

/** Sets a policy on a server: on its listener where connections inherit it, otherwise on each connection. */
export function setOnServer(server: net.Server, change: ValidPolicy | false): ServerKeepAlive {
  checkApplicable(change);
  const known = serverPolicies.get(server);
  const policy = mergePolicies(known?.policy, change);
  if (known === undefined) assertExtensible(server);
  const subject = known ?? new ServerPolicy(server, policy);
  const state = server.listening ? subject.apply(policy) : undefined;
  subject.policy = policy;
  rememberExplicit(server, policy);
  if (known === undefined) {
    serverPolicies.set(server, subject);
    subject.follow();
  }
  return state ?? subject.state;
}

/** The state of a server whose listener has nothing to read, if it was given a policy. */
export function plannedServerState(server: net.Server): ServerKeepAlive | undefined {
  const subject = serverPolicies.get(server);
  return subject === undefined || (server.listening && passesOptionsOn(server)) ? undefined : subject.state;
}
