import { readIntOption, writeIntOption } from '../native/index.js';
import { limits } from '../policy/limits.js';
import { assignmentsOf } from './assignments.js';
import { guardHandle, unguardHandle } from './handle-guard.js';
import { readState, writeAssignments } from './options.js';
import { currentPlatform } from './platforms/index.js';
import type { KeepAliveState } from './state.js';
import { bottomOf, type Handle, openDescriptor } from './target.js';

/** A probe goes out within a timer tick or two of being forced; putting idle back earlier would cancel it. */
export const probeLeavesMs = 20;

/** What makes the kernel probe at once, and only then: no count or user timeout can be reached meanwhile. */
export const probing: KeepAliveState = { enabled: true, idle: 1000, interval: 32_767_000, count: 127, userTimeout: 0 };

const isBetween = (value: number, { min, max }: { min: number; max: number }) => value >= min && value <= max;

const isIdle = (idle: number) => isBetween(idle / 1000, limits.idleSeconds);

/** Whether a socket can be given these options. What it has from sysctls may be beyond that: a day of idle is. */
export function canBePutBack({ idle, interval, count }: KeepAliveState): boolean {
  return isIdle(idle) && isBetween(interval / 1000, limits.intervalSeconds) && isBetween(count, limits.count);
}

/** What a connection lends while its kernel is made to probe. */
interface Loan {
  /** What it has of its own: its idle time alone, or all of its options. */
  own: Pick<KeepAliveState, 'idle'> | KeepAliveState;
  /** Whoever has the kernel probe; the last one to finish puts the options back. */
  readonly borrowers: Set<object>;
}

const loans = new WeakMap<Handle, Loan>();

/** What a program sets through Node.js is its own from then on, and what it hands to another process is as it was. */
function beginLoan(handle: Handle, own: Loan['own'], borrower: object): void {
  const loan: Loan = { own, borrowers: new Set([borrower]) };
  loans.set(handle, loan);
  guardHandle(handle, {
    setting(set) {
      const fd = openDescriptor(handle);
      return fd === undefined ? set() : changeOwn(handle, fd, set);
    },
    closing() {
      try {
        endLoan(handle, loan);
      } catch {
        // It is closed all the same, and whoever has it now cannot be helped.
      }
    },
  });
}

function endLoan(handle: Handle, loan: Loan): void {
  loans.delete(handle);
  unguardHandle(handle);
  const fd = openDescriptor(handle);
  if (fd !== undefined) restore(fd, loan);
}

/** Gives a descriptor all of a state; where the kernel refuses, `own` is put back. */
function putState(fd: number, state: KeepAliveState, own: KeepAliveState): void {
  const platform = currentPlatform();
  writeAssignments(fd, assignmentsOf(state, platform), () => own, platform);
}

function writeIdle(fd: number, idle: number): void {
  const { idle: option } = currentPlatform();
  writeIntOption(fd, option, idle / option.unitMs);
}

function readIdle(fd: number): number {
  const { idle: option } = currentPlatform();
  return readIntOption(fd, option) * option.unitMs;
}

/** The idle time of a connection that has keepalive on and can be given that time again. */
function lendableIdle(fd: number): number | undefined {
  if (readIntOption(fd, currentPlatform().keepAlive) === 0) return undefined;
  const idle = readIdle(fd);
  return isIdle(idle) ? idle : undefined;
}

/**
 * What a connection has of its own: what was lent, less what has been set meanwhile by somebody who is not heard here,
 * such as an addon, whose call is taken to set idle, interval and count.
 */
function ownOf({ own }: Loan, now: KeepAliveState): KeepAliveState {
  if (!('enabled' in own)) return now.idle === probing.idle ? { ...now, idle: own.idle } : now;
  const isRewritten = now.interval !== probing.interval || now.count !== probing.count;
  const { enabled, idle, interval, count } = isRewritten ? now : { ...own, enabled: own.enabled && now.enabled };
  return { enabled, idle, interval, count, userTimeout: now.userTimeout === 0 ? own.userTimeout : now.userTimeout };
}

/** What a descriptor's connection has of its own, whatever forces probes at present. */
export function readOwnState(handle: Handle, fd: number): KeepAliveState {
  const loan = loans.get(bottomOf(handle));
  const now = readState(fd, currentPlatform());
  return loan === undefined ? now : ownOf(loan, now);
}

function restore(fd: number, loan: Loan): void {
  const { own } = loan;
  if ('enabled' in own) {
    const state = ownOf(loan, readState(fd, currentPlatform()));
    putState(fd, state, state);
  } else if (readIdle(fd) === probing.idle) writeIdle(fd, own.idle);
}

/**
 * Has the kernel send a keepalive probe now, if it has not heard the peer for a second; the options that this takes
 * stay changed until {@link putBack} and at least {@link probeLeavesMs}. `false` where they could not be put back.
 *
 * The first probe takes the idle time alone: no count can be reached by it. With probes unanswered all options are
 * changed, so that no verdict of the kernel comes of asking.
 *
 * @param unanswered Probes that the peer has not answered yet (`tcpi_probes`).
 */
export function forceProbe(borrower: object, handle: Handle, unanswered: number): boolean {
  const fd = openDescriptor(handle);
  if (fd === undefined) return false;
  const bottom = bottomOf(handle);
  const loan = loans.get(bottom);
  const idle = loan === undefined && unanswered === 0 ? lendableIdle(fd) : undefined;
  if (idle !== undefined) {
    writeIdle(fd, probing.idle);
    beginLoan(bottom, { idle }, borrower);
    return true;
  }
  const own = readOwnState(handle, fd);
  if (!canBePutBack(own)) return false;
  putState(fd, probing, own);
  if (loan === undefined) beginLoan(bottom, own, borrower);
  else {
    loan.own = own;
    loan.borrowers.add(borrower);
  }
  return true;
}

/** Leaves a connection's options as they are without asking, unless somebody else has its kernel probe. */
export function putBack(borrower: object, handle: Handle): void {
  const bottom = bottomOf(handle);
  const loan = loans.get(bottom);
  if (loan === undefined || !loan.borrowers.delete(borrower) || loan.borrowers.size > 0) return;
  endLoan(bottom, loan);
}

/**
 * Lets `change` set options of a connection's own, also while its kernel is made to probe: they are put back before, and
 * what is changed is what will be put back later.
 */
export function changeOwn<Result>(handle: Handle, fd: number, change: () => Result): Result {
  const loan = loans.get(bottomOf(handle));
  if (loan === undefined) return change();
  restore(fd, loan);
  try {
    return change();
  } finally {
    loan.own = readState(fd, currentPlatform());
  }
}
