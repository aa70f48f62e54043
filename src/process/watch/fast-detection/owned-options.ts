import { writeIntOption } from '../../../native/socket/socket-options.js';
import { fdOf, type Handle } from '../../../node/handle.js';
import { limits } from '../../../policy/policy.js';
import { isSettable, settingFields } from '../../../policy/settings.js';
import { changeOptions, wantedState, withWrites } from '../../../socket/interim/change-options.js';
import { interimOptions } from '../../../socket/interim/deferred-options.js';
import { type OptionOwner, optionOwners, unwatchedOptions } from '../../../socket/interim/option-owner.js';
import { type OptionWrite, optionFields, writesOfFields } from '../../../socket/option-writes.js';
import { readState } from '../../../socket/options.js';
import { linux } from '../../../socket/platforms/linux.js';
import type { InForce, KeepAliveState } from '../../../socket/state.js';

/** The kernel probes a watched connection this often on its own, once its peer is silent. */
const watchIntervalMs = 1000;

/** More than the probes of several watches use up between two answers. */
const watchCount = 31;

const owners = optionOwners as Map<Handle, OwnedOptions>;

/** Returns whether these options can be restored later: a sysctl can be beyond the limits of an option. */
function isRestorable(program: KeepAliveState): boolean {
  return settingFields.every((field) => isSettable(field, program[field]));
}

/** The options that watches own on a connection. */
export class OwnedOptions implements OptionOwner {
  program: KeepAliveState;
  readonly #handle: Handle;
  /** The idle time that each watch needs, in milliseconds. */
  readonly #watches = new Map<object, number>();
  /** Calls of Node.js that set keepalive and have not returned, and the options in force before them. */
  #calls = 0;
  #before: KeepAliveState | undefined;

  constructor(handle: Handle, program: KeepAliveState) {
    this.#handle = handle;
    this.program = program;
  }

  /** Puts the options of one more watch in force. Changes nothing if the kernel refuses the options. */
  add(fd: number, watch: object, idle: number): void {
    this.#watches.set(watch, idle);
    try {
      this.#enforce(fd);
    } catch (error) {
      this.#watches.delete(watch);
      throw error;
    }
  }

  /** Restores the program's options, unless another watch still needs the connection. */
  release(watch: object): void {
    const fd = fdOf(this.#handle);
    if (owners.get(this.#handle) !== this || !this.#watches.has(watch)) return;
    if (fd === undefined || this.#watches.size === 1) {
      this.restore();
      return;
    }
    this.#adoptChanges(fd);
    this.#watches.delete(watch);
    this.#enforce(fd);
  }

  /** Makes the kernel probe now, if the peer has been silent for the idle time of the watch. Returns false if closed. */
  probe(): boolean {
    const fd = fdOf(this.#handle);
    if (fd === undefined || owners.get(this.#handle) !== this) return false;
    if (this.#adoptChanges(fd)) this.#enforce(fd);
    // Setting TCP_KEEPIDLE rearms the timer (net/ipv4/tcp.c, tcp_sock_set_keepidle_locked); nothing has to be restored.
    writeIntOption(fd, linux.idle, this.#state.idle / linux.idle.unitMs);
    return true;
  }

  restore(): void {
    const fd = fdOf(this.#handle);
    owners.delete(this.#handle);
    if (owners.size === 0) process.off('exit', restoreAll);
    if (fd === undefined) return;
    this.#adoptChanges(fd);
    this.#set(fd, this.program);
  }

  setForProgram(fd: number, list: readonly OptionWrite[]): InForce {
    this.program = withWrites(this.program, list);
    const { deferred: _, ...inForce } = this.#enforce(fd);
    if (this.#calls > 0) this.#before = readState(fd, linux);
    const deferred = unwatchedOptions(this.program, inForce);
    return deferred === undefined ? inForce : { ...inForce, deferred };
  }

  /** Turns keepalive off if the program has it off: afterwards the kernel tells whether the call turned it on. */
  beforeCall(): void {
    const fd = fdOf(this.#handle);
    if (fd === undefined) return;
    this.#calls += 1;
    if (this.#calls > 1) return;
    this.#before = readState(fd, linux);
    if (!this.program.enabled) writeIntOption(fd, linux.keepAlive, 0);
  }

  afterCall(): void {
    const fd = fdOf(this.#handle);
    if (this.#before === undefined || fd === undefined) return;
    this.#calls -= 1;
    if (this.#calls > 0) return;
    const { enabled, idle, interval, count } = readState(fd, linux);
    // Node.js sets the three together, if at all.
    const isSet = idle !== this.#before.idle || interval !== this.#before.interval || count !== this.#before.count;
    this.program = { ...this.program, enabled, ...(isSet ? { idle, interval, count } : {}) };
    this.#before = undefined;
    this.#enforce(fd);
  }

  /**
   * Returns the options that are in force. A program's idle time of 1 s is kept: restoring it later could be mistaken for
   * the override of another process that asks the peer. A user timeout of the program is extended to the time that the
   * count allows: a shorter one would end a connection sooner than with the program's idle time.
   */
  get #state(): KeepAliveState {
    const idle = Math.min(this.program.idle, ...this.#watches.values());
    const { userTimeout: own } = this.program;
    const userTimeout = own && Math.max(own, idle + watchCount * watchIntervalMs);
    return { ...this.program, enabled: true, idle, interval: watchIntervalMs, count: watchCount, userTimeout };
  }

  #enforce(fd: number): InForce {
    return this.#set(fd, this.#state);
  }

  /** Sets only the options that differ. */
  #set(fd: number, state: KeepAliveState): InForce {
    const now = wantedState(this.#handle, fd);
    const writes = writesOfFields(state, (field) => state[field] !== now[field], linux);
    return changeOptions(this.#handle, fd, writes);
  }

  /**
   * Adopts options that another program, an addon or Node.js has set since, as the program's own. Ignores an idle time of
   * 1 s alone: another process makes the kernel send a probe, and restores the idle time within 50 ms.
   *
   * @returns whether there were such options.
   */
  #adoptChanges(fd: number): boolean {
    const now = readState(fd, linux);
    const expected = { ...this.#state, ...interimOptions(this.#handle) };
    const changed = optionFields.filter((field) => now[field] !== expected[field]);
    const isOverride = changed.length === 1 && changed[0] === 'idle' && now.idle === limits.idle.min;
    if (changed.length === 0 || isOverride) return false;
    this.program = { ...this.program, ...Object.fromEntries(changed.map((field) => [field, now[field]])) };
    return true;
  }
}

function restoreAll(): void {
  for (const owned of [...owners.values()]) {
    try {
      owned.restore();
    } catch {
      // The others are still restored; the options in force protect this one.
    }
  }
}

/**
 * Puts a connection's options under a watch: the kernel probes after `idle` of quiet, then every second, and gives the
 * peer up after 31 probes. Options that the program sets meanwhile are kept and set when the watch ends.
 *
 * @returns undefined, without a change, if the connection is closed or its options could not be restored later.
 * @throws {SystemCallError} if the kernel refuses the options.
 */
export function takeOptions(handle: Handle, watch: object, idle: number): OwnedOptions | undefined {
  const fd = fdOf(handle);
  if (fd === undefined) return undefined;
  const owned = owners.get(handle) ?? new OwnedOptions(handle, wantedState(handle, fd));
  if (!isRestorable(owned.program)) return undefined;
  owned.add(fd, watch, idle);
  owners.set(handle, owned);
  if (!process.listeners('exit').includes(restoreAll)) process.on('exit', restoreAll);
  return owned;
}
