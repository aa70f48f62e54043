import { SystemCallError, UnsupportedError } from '../../native/index.js';
import { forceProbe, probeLeavesMs, putBack } from '../../socket/forced-probe.js';
import type { Condition } from './condition.js';
import { type DrivePlan, drivePlan, questionMs } from './drive-plan.js';
import type { Sight } from './sight.js';
import type { Watched } from './watched.js';

/** A connection without data for longer is not in use, and left to the kernel's own keepalive. */
const inUseMs = 60_000;

/** The kernel tells times in jiffies; an answer comes a second or more after what was heard before. */
const answerMarginMs = 100;

/** A look that is later shows that the program was held up. */
const heldUpMs = 50;

/** A peer that is being asked. */
interface Drive {
  /** When it was asked first, and when it had been heard last by then (`performance.now()`). */
  readonly startedAt: number;
  readonly heardAt: number;
  sent: number;
  /** When the next probe is due, or the verdict (`performance.now()`). */
  dueAt: number;
}

/** What comes next: when to look again, or that the peer is dead; `undefined` where it is left to the kernel. */
export type DriveStep = { readonly nextLookMs: number } | 'dead' | undefined;

/** Whether the kernel was made to probe. Where it refuses, such as by a BPF program, the connection is left to itself. */
function isForced(driver: ProbeDriver, { handle }: Watched, unanswered: number): boolean {
  try {
    return forceProbe(driver, handle, unanswered);
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return false;
    throw error;
  }
}

/** Has the kernel probe connections that are quiet and in use, closer together than its options can say. */
export class ProbeDriver {
  readonly #deadWithinMs: number;
  readonly #plan: DrivePlan;
  readonly #questionMs: number;
  readonly #drives = new Map<Watched, Drive>();

  constructor(deadWithinMs: number) {
    this.#deadWithinMs = deadWithinMs;
    this.#plan = drivePlan(deadWithinMs);
    this.#questionMs = questionMs(this.#plan);
  }

  /**
   * Goes on with a connection that was looked at.
   *
   * @param forMs For how long something of ours has gone unanswered.
   */
  step(watched: Watched, sight: Sight, condition: Condition, forMs: number): DriveStep {
    const drive = this.#drives.get(watched);
    if (drive !== undefined && performance.now() - sight.silentMs > drive.heardAt + answerMarginMs) {
      this.end(watched);
      return { nextLookMs: Math.max(1, this.#plan.quietMs - sight.silentMs) };
    }
    if (condition.isWindowClosed) {
      this.end(watched);
      return undefined;
    }
    if (sight.unacked > 0 || sight.notSentBytes > 0) return this.#inFlight(drive, watched, sight, condition, forMs);
    if (drive !== undefined) return this.#goOn(drive, watched, sight);
    const isInUse = Math.min(sight.dataReceivedMs, sight.dataSentMs) < Math.max(inUseMs, this.#deadWithinMs);
    return isInUse ? this.#begin(watched, sight) : undefined;
  }

  /** Until a peer that is being asked is asked again, at most; `undefined` where none is. */
  nextProbeMs(watched: Watched): number | undefined {
    const drive = this.#drives.get(watched);
    return drive === undefined ? undefined : Math.max(0, drive.dueAt - performance.now());
  }

  /** Leaves a connection as it was. */
  end(watched: Watched): void {
    if (this.#drives.delete(watched)) this.#putBack(watched);
  }

  #putBack({ handle }: Watched): void {
    try {
      putBack(this, handle);
    } catch (error) {
      // In a timer there is nobody to throw to, and a program must not end for it.
      process.emitWarning(`keepalive options could not be put back: ${(error as Error).message}`, 'KeepAliveWarning');
    }
  }

  #begin(watched: Watched, { silentMs, probes }: Sight): DriveStep {
    const { quietMs } = this.#plan;
    if (silentMs < quietMs) return { nextLookMs: quietMs - silentMs };
    if (!isForced(this, watched, probes)) return undefined;
    const now = performance.now();
    const dueAt = now + (this.#plan.gapsMs[0] as number);
    this.#drives.set(watched, { startedAt: now, heardAt: now - silentMs, sent: 1, dueAt });
    return { nextLookMs: probeLeavesMs };
  }

  /** Probes are as far apart as planned also where the program was held up: an answer takes its time. */
  #goOn(drive: Drive, watched: Watched, { rttMs, probes }: Sight): DriveStep {
    const { gapsMs } = this.#plan;
    const isLast = drive.sent === gapsMs.length;
    const lateMs = performance.now() - drive.dueAt - (isLast ? rttMs : 0);
    if (lateMs < 0) return { nextLookMs: -lateMs };
    // Without a probe that the kernel counts as unanswered nobody was asked.
    if (isLast && probes > 0) return 'dead';
    if (isLast || !isForced(this, watched, probes)) {
      this.end(watched);
      return undefined;
    }
    drive.dueAt += (gapsMs[drive.sent] as number) + (lateMs > heldUpMs ? lateMs : 0);
    drive.sent += 1;
    return { nextLookMs: Math.max(1, drive.dueAt - performance.now()) };
  }

  /**
   * While data are in flight the kernel sends no probe, and what it sends again asks as well: a peer is given the time of
   * a question, from the first probe or transmission that is unanswered, and no less than the whole since it was heard.
   * One that talks but acknowledges nothing is given the whole.
   */
  #inFlight(drive: Drive | undefined, watched: Watched, sight: Sight, condition: Condition, forMs: number): DriveStep {
    if (drive !== undefined) this.#putBack(watched);
    if (condition.unansweredKind === undefined) return undefined;
    const { silentMs, rttMs } = sight;
    const { quietMs } = this.#plan;
    const askedMs = drive === undefined ? forMs : Math.max(forMs, performance.now() - drive.startedAt);
    const silenceMs = Math.max(this.#questionMs + rttMs - askedMs, quietMs + this.#questionMs - silentMs);
    const leftMs = Math.min(silenceMs, this.#deadWithinMs - forMs);
    return leftMs > 0 ? { nextLookMs: leftMs } : 'dead';
  }
}
