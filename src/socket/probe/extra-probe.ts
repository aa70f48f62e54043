import { pause } from '../../native/pause.js';
import { readIntOption, writeIntOption } from '../../native/socket/socket-options.js';
import { fdOf, type Handle } from '../../node/handle.js';
import { nowMs, RealPromise, sleep } from '../../node/real-time.js';
import type { Snapshot } from '../../peer/snapshot.js';
import { type ProbeDecision, probeDecision } from '../../policy/model/probe-safety.js';
import { readState } from '../options.js';
import { linux } from '../platforms/linux.js';
import { takeSnapshot } from './take-snapshot.js';

/**
 * The result of an extra probe. `'late'`: the kernel sent none in time. `'closed'`: the connection has ended. Other values
 * are those of {@link ProbeDecision}.
 */
export type ExtraProbe = 'sent' | 'late' | 'closed' | Exclude<ProbeDecision, 'probe'>;

/** A request to probe a connection's peer. */
interface Request {
  readonly handle: Handle;
  resolve(probe: ExtraProbe): void;
  reject(error: unknown): void;
}

/** A connection whose idle time is overridden. */
interface Override extends Request {
  readonly fd: number;
  /** In the kernel's unit. */
  readonly idle: number;
  readonly before: Snapshot;
}

/** The idle time at which the kernel probes at once, in its unit. */
const leastIdle = 1;

/** The kernel sends the probe at its next tick, of at most 10 ms; a busy machine takes longer. */
const longestWaitMs = 40;
const pollMs = 0.25;

/** At most this many overrides are in force at a time, so that each lasts only a tick and a few milliseconds. */
const mostAtOnce = 500;

const requests: Request[] = [];

/** Decides and overrides the idle time in one synchronous step, so that the state cannot change in between. */
function override(request: Request): Override | undefined {
  const fd = fdOf(request.handle);
  if (fd === undefined) {
    request.resolve('closed');
    return undefined;
  }
  const state = readState(fd, linux);
  const before = takeSnapshot(fd);
  if (before === undefined) {
    request.resolve('closed');
    return undefined;
  }
  const { probes: unanswered, silentMs } = before;
  const decision = probeDecision({ ...state, unanswered, silentMs });
  if (decision !== 'probe') {
    request.resolve(decision);
    return undefined;
  }
  writeIntOption(fd, linux.idle, leastIdle);
  return { ...request, fd, idle: state.idle / linux.idle.unitMs, before };
}

function isSent({ fd, before }: Override): boolean {
  const now = takeSnapshot(fd);
  return now === undefined || now.segmentsSent !== before.segmentsSent || now.probes !== before.probes;
}

/** Restores the idle time, unless somebody else has set one meanwhile. */
function restore({ fd, idle }: Override): void {
  if (readIntOption(fd, linux.idle) === leastIdle) writeIntOption(fd, linux.idle, idle);
}

function waitToPoll(): void {
  try {
    pause(pollMs);
  } catch {
    // A thread that may not wait, such as that of a window in Electron, polls again at once.
  }
}

/** Waits, with the program held up, until the kernel has sent all probes, or for 40 ms. */
function waitForProbes(overrides: readonly Override[]): Set<Override> {
  const waiting = new Set(overrides);
  for (const startedAt = nowMs(); nowMs() - startedAt < longestWaitMs; ) {
    for (const each of waiting) if (isSent(each)) waiting.delete(each);
    if (waiting.size === 0) break;
    waitToPoll();
  }
  return waiting;
}

function attempt<Result>(request: Request, action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    request.reject(error);
    return undefined;
  }
}

function probeAll(batch: readonly Request[]): void {
  const overrides: Override[] = [];
  let late: ReadonlySet<Override> = new Set();
  try {
    for (const request of batch) {
      const overridden = attempt(request, () => override(request));
      if (overridden !== undefined) overrides.push(overridden);
    }
    late = waitForProbes(overrides);
  } finally {
    for (const each of overrides) attempt(each, () => restore(each));
  }
  // On a busy machine the probe may go out after the last check and before the idle time is restored.
  for (const each of overrides) each.resolve(late.has(each) && !isSent(each) ? 'late' : 'sent');
}

/** Waits for the timers that are due now, whose callbacks may make requests too: Node.js calls them one by one. */
async function probeSoon(): Promise<void> {
  while (requests.length > 0) {
    await sleep(0);
    probeAll(requests.splice(0, mostAtOnce));
  }
}

/**
 * Makes the kernel send one keepalive probe now, if an unanswered probe can do no harm: sets TCP_KEEPIDLE to 1 s, waits for
 * the kernel's next tick (4 ms at HZ 250), and restores the idle time.
 *
 * Blocks the thread meanwhile, so that no exit of the program can come in between and no other caller sees the override.
 * Requests that are made within about a millisecond share the tick.
 *
 * @see Linux net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export function sendExtraProbe(handle: Handle): Promise<ExtraProbe> {
  return new RealPromise((resolve, reject) => {
    requests.push({ handle, resolve, reject });
    if (requests.length === 1) void probeSoon();
  });
}
