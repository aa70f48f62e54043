import { readFileSync } from 'node:fs';
import { inodeOf } from '../../native/inode.js';
import { whyNoLibc } from '../../native/libc.js';
import { openDescriptors } from '../../native/owned-descriptor.js';
import { localNameOf, peerNameOf } from '../../native/socket/socket-names.js';
import { type OptionReader, optionReader, type SocketOption } from '../../native/socket/socket-options.js';
import { listeningServers } from '../../node/listener.js';
import { followOpened } from '../../node/opened-handles.js';
import { clearTimer, setTimer, type Timer } from '../../node/real-time.js';
import { tcpHandleOf } from '../../node/tcp-handle.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import { tcpStateOf } from '../../wire/tcp-info/state.js';
import type { ActivePolicy } from '../apply/active-policy.js';
import type { Told } from '../apply/applied-event.js';
import type { ConnectionRole } from '../apply/rules.js';
import type { Statistics } from '../apply/statistics.js';
import { applyToNative, decideOnConnection, decideOnListener } from './native-socket-policy.js';
import { kinds, OwnDescriptors, openInodes, tableSize } from './own-descriptors.js';
import type { ThreadClaims } from './thread-claims.js';

/** The inputs of the search, and the receivers of its results. */
export interface NativeSocketContext {
  readonly statistics: Statistics;
  /** Returns the active policy; `native` is false if sockets of native code stay unmanaged. */
  activePolicy(): (ActivePolicy & { readonly native: boolean }) | undefined;
  readonly applied: Told;
  refused(error: unknown): void;
}

/**
 * The time between two passes, in ms: longer if a pass takes long, so that the search stays below 1 % of a core. A socket is
 * set in the first pass that finds it; with worker threads, in the second. Both passes are over within 2 s.
 */
const [shortestMs, longestMs, withThreadsMs] = [1100, 1650, 800];
const costFactor = 110;

const { cpuUsage } = process;

/** Each pass checks one descriptor number in this many, even without a new connection. */
const stride = 32;

/** A connection is compared with its policy in the pass after it was set, then in one pass of this many. */
const passesPerComparison = 4 * stride;

/** For this many passes a socket stays undecided while a worker thread runs that may still apply a policy. */
const undecidedPasses = 5;

function unknownOwner(): Error {
  return new Error(
    'either native code or a worker thread without a policy has opened the socket: ' +
      'load tcp-keepalive/register in each worker thread, or call applyToProcess there',
  );
}

interface ManagedConnection {
  readonly role: ConnectionRole;
  readonly policy: ValidPolicy | false;
  /** The pass in which it was set. */
  readonly pass: number;
}

/** Returns the kernel's counts of connections that were begun and accepted in this network namespace (RFC 1213). */
function openedConnections(): string | undefined {
  try {
    return /^Tcp: (?:-?\d+ ){4}(\d+ \d+)/m.exec(readFileSync('/proc/self/net/snmp', 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}

/** Handles a socket; returns the socket's kind afterwards. */
type Step = (fd: number, activePolicy: ActivePolicy) => number;

/** Checks the descriptors of the process again and again. Leaves sockets as they are that were open at the beginning. */
export class NativeSocketSearch {
  readonly #context: NativeSocketContext;
  readonly #claims: ThreadClaims;
  readonly #descriptors = new OwnDescriptors();
  /** The inodes of the descriptors that were open when the search began, until the first pass is over. */
  #before: ReadonlyMap<number, number> | undefined = openInodes();
  #reader: OptionReader | undefined;
  readonly #unfollow: () => void;
  /** The role and policy of each managed connection, by descriptor. */
  readonly #managed: ManagedConnection[] = [];
  /** The local port of each listener of native code, by descriptor. */
  readonly #listenerPorts: number[] = [];
  /** The local ports of the listeners that this pass has found. */
  readonly #ports = new Set<number>();
  /** The connections and listeners that this pass has found undecided. */
  #found: { readonly fd: number; readonly isListener: boolean }[] = [];
  #passes = 0;
  #opens: string | undefined;
  /** True if the next pass must check every number. */
  #isUnsettled = true;
  /** Undefined once the search is over. */
  #timer: Timer | undefined;

  constructor(context: NativeSocketContext, claims: ThreadClaims) {
    this.#context = context;
    this.#claims = claims;
    for (let fd = tableSize() - 1; fd >= 0; fd -= 1) claims.takeClaim(fd);
    for (const server of listeningServers()) {
      const handle = tcpHandleOf(server);
      if (handle !== undefined) this.#descriptors.opened(handle);
    }
    this.#unfollow = followOpened((handle) => this.#descriptors.opened(handle));
    this.#timer = this.#nextPass(0);
  }

  close(): void {
    clearTimer(this.#timer);
    this.#timer = undefined;
    this.#unfollow();
  }

  #nextPass(costMs: number): Timer {
    const wantedMs = Math.min(Math.max(costFactor * costMs, shortestMs), longestMs);
    return setTimer(this.#pass, this.#claims.hasThreads ? withThreadsMs : wantedMs);
  }

  readonly #pass = (): void => {
    try {
      // The search may begin while the program is loading its own copy of the FFI, so the FFI is loaded only here.
      const reason = whyNoLibc();
      if (reason !== undefined) throw reason;
      this.#passes += 1;
      const before = cpuUsage();
      const opens = openedConnections();
      const isFull = this.#isUnsettled || opens === undefined || opens !== this.#opens;
      this.#opens = opens;
      this.#check(isFull);
      const { user, system } = cpuUsage(before);
      // `onApplied` may have disposed of the policy.
      if (this.#timer !== undefined) this.#timer = this.#nextPass((user + system) / 1000);
    } catch (error) {
      this.close();
      this.#context.refused(error);
    }
  };

  #check(isFull: boolean): void {
    this.#ports.clear();
    this.#found = [];
    this.#isUnsettled = false;
    if (isFull) this.#descriptors.pass(this.#visit, 0, 1);
    else this.#descriptors.pass(this.#visit, this.#passes % stride, stride);
    if (isFull) this.#before = undefined;
    // Only now all listeners are known: their ports show which connections were accepted.
    for (const { fd, isListener } of this.#found) {
      this.#isUnsettled = true;
      this.#descriptors.update(fd, (kind) => this.#attempt(fd, kind, this.#decide(kind, isListener)));
    }
  }

  readonly #visit = (fd: number, kind: number): number => {
    if (kind === kinds.managed) return this.#attempt(fd, kind, this.#compare);
    if (kind === kinds.listener) this.#addListener(fd);
    else if (openDescriptors().has(fd) || this.#claims.takeClaim(fd) || this.#wasOpen(fd)) return kinds.left;
    else this.#find(fd);
    return kind;
  };

  /** Makes the next pass full: the kernel counts an accepted connection at the end of the handshake, before the accept. */
  #addListener(fd: number): void {
    this.#ports.add(this.#listenerPorts[fd] as number);
    this.#isUnsettled = true;
  }

  #wasOpen(fd: number): boolean {
    const inode = this.#before?.get(fd);
    return inode !== undefined && inode === inodeOf(fd);
  }

  #find(fd: number): void {
    // The first byte of `struct tcp_info` is the state.
    this.#reader ??= optionReader(currentPlatform().tcpInfo as SocketOption, 1);
    const state = this.#reader.read(fd) < 1 ? 'CLOSE' : tcpStateOf(this.#reader.view.getUint8(0));
    // A socket in CLOSE is not connected yet, or has ended.
    if (state === 'CLOSE') return;
    const isListener = state === 'LISTEN';
    if (isListener) {
      this.#listenerPorts[fd] = localNameOf(fd)?.port ?? 0;
      this.#addListener(fd);
    }
    this.#found.push({ fd, isListener });
  }

  /** Runs a step for a socket. Returns the socket's kind afterwards. */
  #attempt(fd: number, kind: number, step: Step): number {
    const activePolicy = this.#context.activePolicy();
    if (activePolicy === undefined || !activePolicy.native) return kind;
    try {
      return step(fd, activePolicy);
    } catch (error) {
      // The descriptor was closed meanwhile, or is another socket's now.
      if (!this.#descriptors.isUnchanged(fd)) return kind;
      this.#context.refused(error);
      return kinds.left;
    }
  }

  /** Chooses the step for a socket that is undecided. */
  #decide(kind: number, isListener: boolean): Step {
    // A worker thread claims a descriptor only after it has opened the descriptor.
    if (this.#claims.hasThreads && kind === kinds.undecided) return () => kind + 1;
    if (!this.#claims.hasThreadsWithoutPolicy()) return isListener ? this.#applyToListener : this.#applyToConnection;
    if (kind < kinds.undecided + undecidedPasses) return () => kind + 1;
    return () => {
      throw unknownOwner();
    };
  }

  readonly #applyToListener: Step = (fd, activePolicy) => {
    const policy = decideOnListener(fd, activePolicy);
    if (policy === undefined || policy === 'unmanaged') return kinds.listener;
    if (this.#set(fd, 'server', policy, activePolicy)) this.#context.statistics.listeners += 1;
    return kinds.listener;
  };

  readonly #applyToConnection: Step = (fd, activePolicy) => {
    const port = localNameOf(fd)?.port ?? -1;
    if (this.#descriptors.hasListener(port)) return kinds.undecided;
    const role = this.#ports.has(port) ? 'server' : 'client';
    const policy = decideOnConnection(fd, role, activePolicy);
    if (policy === 'unmanaged') {
      this.#context.statistics.skipped.unmanaged += 1;
      return kinds.left;
    }
    if (!this.#set(fd, role, policy, activePolicy)) return kinds.undecided;
    this.#context.statistics.native += 1;
    this.#managed[fd] = { role, policy, pass: this.#passes };
    return kinds.managed;
  };

  /** Sets the policy again if native code has changed the options: with `'enforce'` the policy wins. */
  readonly #compare: Step = (fd, activePolicy) => {
    const { role, policy, pass } = this.#managed[fd] as ManagedConnection;
    const isDue = this.#passes === pass + 1 || (this.#passes - fd) % passesPerComparison === 0;
    if (isDue && activePolicy.mode === 'enforce') this.#set(fd, role, policy, activePolicy);
    return kinds.managed;
  };

  /** Returns false if the descriptor is another socket's by now. */
  #set(fd: number, role: ConnectionRole, policy: ValidPolicy | false, { mode }: ActivePolicy): boolean {
    const isUnchanged = () => this.#descriptors.isUnchanged(fd);
    const applied = applyToNative(fd, policy, mode, isUnchanged);
    if (applied === 'gone') return false;
    if (applied === 'in force') return true;
    const ends = () => ({ remote: peerNameOf(fd), local: localNameOf(fd) });
    this.#context.applied({ role, target: undefined, applied, native: true }, ends);
    return true;
  }
}
