import { channel } from 'node:diagnostics_channel';
import type net from 'node:net';
import { constants } from 'node:os';
import { debuglog } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { installHooks } from '../../node/connection-hooks.js';
import { guarded } from '../../node/guarded.js';
import { serverOf } from '../../node/listener.js';
import { onHandedOver } from '../../node/opened-handles.js';
import { tcpPrototype } from '../../node/tcp-handle.js';
import { messageOf, warnOnce } from '../../node/warn-once.js';
import { assertKnownOptions, ConfigurationError } from '../../policy/configuration-error.js';
import type { PolicyInput, ValidPolicy } from '../../policy/policy.js';
import { type Installation, threadState } from '../../socket/thread-state.js';
import { type ConnectionEnds, connectionName } from '../connection-name.js';
import { NativeSockets } from '../native-sockets/native-sockets.js';
import type { ActivePolicy } from './active-policy.js';
import type { AppliedEvent } from './applied-event.js';
import { Enforcer } from './enforcer.js';
import type { ProcessMode } from './requested-keep-alive.js';
import { compileRules, type PolicyRule, readConnectionPolicy } from './rules.js';
import { type ProcessStatus, summaryOf } from './statistics.js';

/** How {@link applyToProcess} applies a policy. */
export interface ProcessOptions {
  /**
   * `'enforce'`: the policy's fields win over any `setKeepAlive` of the program. `'fill'`: the program's own numbers (a delay
   * of 1 s or more, an interval, a count) win, and the policy fills the rest.
   *
   * @default 'enforce'
   */
  readonly mode?: ProcessMode;
  /**
   * The first rule that matches a connection decides instead of the policy.
   *
   * @default []
   */
  readonly rules?: readonly PolicyRule[];
  /**
   * Called for each connection and listener that is set, except for those that the callback sets itself. An error of the
   * callback becomes a process warning.
   */
  readonly onApplied?: (event: AppliedEvent) => void;
  /**
   * On this signal the status is written to standard error. Must be SIGUSR2, SIGINFO, SIGWINCH, SIGURG or SIGCONT, and known
   * to the system: a listener for another signal would change the signal's effect on the program.
   */
  readonly summarySignal?: NodeJS.Signals;
  /**
   * Whether TCP sockets that native code opens get the policy too, within 2 s of connecting, once a native addon was
   * loaded. Linux only, and decided by the main thread for all threads.
   *
   * @default true
   */
  readonly native?: boolean;
}

/** A policy in force. */
export interface ProcessPolicy extends Disposable {
  /** What became of this thread's connections so far. */
  status(): ProcessStatus;
  /** Takes the policy out of force. Open connections and listeners keep their options. */
  close(): void;
}

interface Applied extends ActivePolicy {
  readonly onApplied: ProcessOptions['onApplied'];
  readonly native: boolean;
}

/** The active policies; the last one is in force. */
const applied: Applied[] = [];

const debug = debuglog('tcp-keepalive');

function told(event: AppliedEvent, ends: () => ConnectionEnds): void {
  const { role, target, applied: state, native } = event;
  const kind = target?.constructor?.name ?? (native ? 'socket of native code' : 'connection');
  if (debug.enabled) guarded(() => debug('%s %s %s: %j', role, kind, connectionName(ends()), state));
  const { onApplied } = applied.at(-1) ?? {};
  if (onApplied === undefined) return;
  const failed = (error: unknown) => warnOnce(`onApplied: ${messageOf(error)}`);
  try {
    const result: unknown = onApplied(event);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** Everything that is patched or listened to, while there is an active policy. */
class ProcessInstallation implements Installation {
  readonly enforcer = new Enforcer(() => applied.at(-1), told);
  #restore = () => {};
  #stopReceiving = () => {};
  #native: NativeSockets | undefined;

  install(): void {
    this.#restore = installHooks(this.enforcer);
    channel('net.client.socket').subscribe(this.#onClient);
    channel('net.server.socket').subscribe(this.#onServer);
    this.#stopReceiving = onHandedOver((handle) => this.enforcer.handedOver(handle));
    if (debug.enabled) process.on('exit', this.#onExit);
  }

  policyOfNew(): ValidPolicy | null | undefined {
    const { policy, rules } = applied.at(-1) as Applied;
    if (rules.length > 0) return null;
    return policy === 'unmanaged' || policy === false ? undefined : policy;
  }

  /** A worker thread tells the main thread of its own sockets in any case. */
  findNative(isWanted: boolean): void {
    if (!isWanted && isMainThread) return;
    this.#native ??= new NativeSockets({
      statistics: this.enforcer.statistics,
      activePolicy: () => applied.at(-1),
      applied: told,
      refused: (error) => this.enforcer.refused(error),
    });
  }

  remove(): void {
    this.#native?.close();
    this.#restore();
    channel('net.client.socket').unsubscribe(this.#onClient);
    channel('net.server.socket').unsubscribe(this.#onServer);
    this.#stopReceiving();
    process.off('exit', this.#onExit);
  }

  readonly #onClient = (message: unknown): void => {
    // The channel publishes the socket before the socket has its handle.
    process.nextTick(() => guarded(() => this.enforcer.onSocketChannel((message as { socket: net.Socket }).socket)));
  };

  readonly #onServer = (message: unknown): void => {
    guarded(() => {
      const { socket } = message as { socket: net.Socket };
      this.enforcer.onSocketChannel(socket, serverOf(socket));
    });
  };

  readonly #onExit = (): void => {
    guarded(() => debug('%s', summaryOf(this.enforcer.statistics.status())));
  };
}

let installation: ProcessInstallation | undefined;

/**
 * The signals that may request a summary: signals that end no program, and SIGUSR2, which Node.js and the system leave to
 * programs. A listener for any other signal would disable the signal's effect: to end the program, to crash it with a core
 * file, to stop it, or to start the debugger or a profiler.
 */
const summarySignals: readonly string[] = ['SIGUSR2', 'SIGINFO', 'SIGWINCH', 'SIGURG', 'SIGCONT'].filter((signal) =>
  Object.hasOwn(constants.signals, signal),
);

/** Where a part of a configuration stands, for errors. */
export type SourceOf = (field: 'policy' | keyof ProcessOptions) => string;

const optionNames: readonly (keyof ProcessOptions)[] = ['mode', 'rules', 'onApplied', 'summarySignal', 'native'];

/** @throws {ConfigurationError} if an option other than the rules is wrong. */
export function checkOptions(options: ProcessOptions, sourceOf: SourceOf): void {
  assertKnownOptions('applyToProcess', options, optionNames);
  const { mode, native, onApplied, summarySignal } = options;
  const refusal = (field: keyof ProcessOptions, given: unknown, allowed: string) =>
    new ConfigurationError(sourceOf(field), field, given, allowed);
  if (summarySignal !== undefined && !summarySignals.includes(summarySignal)) {
    throw refusal(
      'summarySignal',
      summarySignal,
      `one of ${summarySignals.join(', ')}: others end, stop or crash programs`,
    );
  }
  if (mode !== undefined && mode !== 'enforce' && mode !== 'fill') throw refusal('mode', mode, "'enforce' or 'fill'");
  if (native !== undefined && typeof native !== 'boolean') {
    throw refusal('native', native, "true or false; 'on' or 'off' in TCP_KEEPALIVE_NATIVE");
  }
  if (onApplied !== undefined && typeof onApplied !== 'function') {
    throw refusal('onApplied', onApplied, 'a function');
  }
}

/** Installs the wrappers of the package copy whose policy came last, and removes those of any other copy. */
function installLast(): void {
  const last = threadState.policies.at(-1)?.installation;
  const { active } = threadState;
  if (last === active) return;
  if (active !== undefined) guarded(() => active.remove());
  threadState.active = last;
  last?.install();
}

/** As {@link applyToProcess}, for a configuration that stands somewhere else than in a call. */
export function applyConfiguration(
  policy: PolicyInput | 'unmanaged' | boolean,
  options: ProcessOptions,
  sourceOf: SourceOf,
): ProcessPolicy {
  checkOptions(options, sourceOf);
  const { mode = 'enforce', native = true, rules = [], onApplied, summarySignal } = options;
  const activePolicy: Applied = {
    policy: readConnectionPolicy(policy, 'policy', sourceOf('policy')),
    mode,
    rules: compileRules(rules, sourceOf('rules')),
    onApplied,
    native,
  };
  tcpPrototype();
  installation ??= new ProcessInstallation();
  const { enforcer } = installation;
  const entry = { installation };
  const status = () => enforcer.statistics.status();
  const summarize = () => {
    guarded(() => process.stderr.write(`tcp-keepalive: ${summaryOf(status())}\n`));
  };
  if (summarySignal !== undefined) process.on(summarySignal, summarize);
  applied.push(activePolicy);
  threadState.policies.push(entry);
  installLast();
  enforcer.reconsiderListeners();
  installation.findNative(native);
  debug('policy %j, mode %s, %d rules', activePolicy.policy, mode, rules.length);
  const close = () => {
    const at = applied.indexOf(activePolicy);
    if (at < 0) return;
    applied.splice(at, 1);
    if (summarySignal !== undefined) process.off(summarySignal, summarize);
    threadState.policies.splice(threadState.policies.indexOf(entry), 1);
    guarded(installLast);
    if (applied.length > 0) enforcer.reconsiderListeners();
    else installation = undefined;
  };
  return { status, close, [Symbol.dispose]: close };
}

/**
 * Gives a keepalive policy to every TCP connection that this thread opens or accepts from now on, and restores the policy
 * when any code calls `setKeepAlive` of Node.js.
 *
 * A connection has the policy before its handshake is over. An accepted connection inherits the policy from its listener,
 * without a system call. Open connections are not touched. Servers that listen already hand the policy to connections that
 * they accept from now on. A second call is in force until its `close()`. Each worker thread has its own policy. A policy
 * that this library's `setKeepAlive` sets on a socket or server comes first.
 *
 * Linux. On macOS and FreeBSD, accepted connections are set one by one. On Windows, needs Node.js >= 24.19 or >= 26.4.
 *
 * @example
 * ```ts
 * const policy = applyToProcess('30:5:3:auto', { rules: [{ port: 5432, policy: '10:3:3:auto' }] });
 * console.log(policy.status());
 * policy.close();
 * ```
 * @throws {ConfigurationError} if a policy, rule or option is wrong, with its field; nothing is in force then.
 * @throws {UnsupportedError} in Bun and Deno.
 */
export function applyToProcess(
  policy: PolicyInput | 'unmanaged' | boolean,
  options: ProcessOptions = {},
): ProcessPolicy {
  return applyConfiguration(policy, options, () => 'applyToProcess');
}
