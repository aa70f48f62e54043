import type net from 'node:net';
import type { ValidPolicy } from '../policy/index.js';
import { checkApplicable, setOnOpenSocket } from './connection.js';
import { canUseDescriptors } from './descriptors.js';
import { rememberExplicit } from './explicit-policy.js';
import { writePolicy } from './options.js';
import { mergePolicies, plannedState } from './planned-state.js';
import { currentPlatform } from './platforms/index.js';
import type { AppliedKeepAlive } from './state.js';
import { descriptorOf, refuseFrozen } from './target.js';
import { readTcpInfo } from './tcp-info.js';

/** Whether listeners can hand their options to the connections that they accept. */
export function listenersPassOptionsOn(): boolean {
  return canUseDescriptors() && currentPlatform().listenerOptionsInherited;
}

/** Whether this listener does. */
function passesOptionsOn(server: net.Server): boolean {
  if (!listenersPassOptionsOn()) return false;
  // A server created with `keepAlive` has Node.js reset each accepted connection to 1 s x 10.
  const { keepAlive } = server as unknown as { keepAlive?: boolean };
  return descriptorOf(server) !== undefined && keepAlive !== true;
}

/** A server under a policy: applies it to its listener each time it listens, and to connections where it must. */
class GovernedServer {
  policy: ValidPolicy | false;
  readonly #server: net.Server;
  /** How many of the next connections need the policy set: those that were waiting to be accepted before it was. */
  #unprotected = 0;

  constructor(server: net.Server, policy: ValidPolicy | false) {
    this.#server = server;
    this.policy = policy;
  }

  govern(): void {
    this.#server.prependListener('listening', () => {
      try {
        this.apply(this.policy);
      } catch (error) {
        this.#server.emit('error', error);
      }
    });
  }

  apply(policy: ValidPolicy | false): AppliedKeepAlive {
    const state = passesOptionsOn(this.#server) ? this.#setOnListener(policy) : undefined;
    this.policy = policy;
    if (state === undefined) this.#unprotected = Number.POSITIVE_INFINITY;
    this.#server.off('connection', this.#onConnection);
    if (this.#unprotected > 0) this.#server.prependListener('connection', this.#onConnection);
    return state ?? this.state;
  }

  #setOnListener(policy: ValidPolicy | false): AppliedKeepAlive {
    const fd = descriptorOf(this.#server) as number;
    const state = writePolicy(fd, policy, currentPlatform());
    this.#unprotected = readTcpInfo(fd).unacked;
    return { ...state, connections: 'inherited' };
  }

  get state(): AppliedKeepAlive {
    const planned = plannedState(this.policy);
    return this.#server.listening ? { ...planned, connections: 'set-on-accept' } : { ...planned, pending: true };
  }

  readonly #onConnection = (socket: net.Socket): void => {
    this.#unprotected -= 1;
    if (this.#unprotected === 0) this.#server.off('connection', this.#onConnection);
    try {
      setOnOpenSocket(socket, this.policy);
    } catch (error) {
      socket.destroy(error as Error);
    }
  };
}

const governed = new WeakMap<net.Server, GovernedServer>();

/** Sets a policy on a server: on its listener where connections inherit it, otherwise on each connection. */
export function setOnServer(server: net.Server, change: ValidPolicy | false): AppliedKeepAlive {
  checkApplicable(change);
  const known = governed.get(server);
  const policy = mergePolicies(known?.policy, change);
  if (known === undefined) refuseFrozen(server);
  const subject = known ?? new GovernedServer(server, policy);
  const state = server.listening ? subject.apply(policy) : undefined;
  subject.policy = policy;
  rememberExplicit(server, policy);
  if (known === undefined) {
    governed.set(server, subject);
    subject.govern();
  }
  return state ?? subject.state;
}

/** The state of a server whose listener has nothing to read, if it was given a policy. */
export function governedState(server: net.Server): AppliedKeepAlive | undefined {
  const subject = governed.get(server);
  return subject === undefined || (server.listening && passesOptionsOn(server)) ? undefined : subject.state;
}
