import { canBePutBack, probeLeavesMs, probing, putState } from '../../socket/forced-probe.js';
import type { KeepAliveState } from '../../socket/index.js';
import { readState } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import type { Sight } from './sight.js';
import { shared, type Watched } from './watched.js';

/** When a quiet peer is asked, and given up, in milliseconds. */
export interface DrivePlan {
  /** Since it was last heard, when it is asked for the first time. */
  readonly quietMs: number;
  /** Since then, when it is asked. */
  readonly probesAtMs: readonly number[];
  /** Since then, when it is dead. */
  readonly verdictAtMs: number;
}

/** The kernel probes no peer that it heard within the last second. */
const leastQuietMs = 1000;

/** A look is this late at most, when the program leaves room for it. */
const lookLatenessMs = 40;

/** The least that can be kept: a second of quiet, and probes a jiffy of any kernel apart. */
export const leastDeadWithinMs = leastQuietMs + 200;

/**
 * From here on there is time for two probes after the 500 ms in which a Linux peer that has answered one probe answers
 * no other (net/ipv4/tcp_input.c, tcp_oow_rate_limited): one lost answer is then no false alarm.
 */
export const robustDeadWithinMs = 1900;

/** Spreads four probes over the time that there is. */
export function drivePlan(deadWithinMs: number): DrivePlan {
  const endMs = deadWithinMs - lookLatenessMs;
  if (deadWithinMs >= robustDeadWithinMs) {
    return { quietMs: endMs - 860, probesAtMs: [0, 200, 540, 720], verdictAtMs: 860 };
  }
  const gapMs = (endMs - leastQuietMs) / 4;
  return { quietMs: leastQuietMs, probesAtMs: [0, gapMs, gapMs * 2, gapMs * 3], verdictAtMs: gapMs * 4 };
}

/** A connection without data for longer is not in use, and left to the kernel's own keepalive. */
const inUseMs = 60_000;

/** A peer that is being asked. */
interface Drive {
  readonly before: KeepAliveState;
  /** How long it had been silent when it was asked first. */
  readonly sinceMs: number;
  sent: number;
}

/** What comes next: when to look again, or that the peer is dead. */
export type DriveStep = { readonly nextLookMs: number } | 'dead' | undefined;

/** Has the kernel probe connections that are quiet and in use, closer together than its options can say. */
export class ProbeDriver {
  readonly #plan: DrivePlan;
  readonly #drives = new Map<Watched, Drive>();

  constructor(deadWithinMs: number) {
    this.#plan = drivePlan(deadWithinMs);
  }

  /** Goes on with a connection that was looked at; `undefined` where it is left to the kernel. */
  step(watched: Watched, fd: number, sight: Sight): DriveStep {
    const { silentMs, unacked, notSentBytes } = sight;
    const drive = this.#drives.get(watched);
    const isInUse = Math.min(sight.dataReceivedMs, sight.dataSentMs) < inUseMs;
    if (unacked > 0 || notSentBytes > 0 || (!isInUse && drive === undefined)) {
      this.end(watched, fd);
      return undefined;
    }
    if (drive === undefined) return this.#begin(watched, fd, silentMs);
    if (silentMs < drive.sinceMs) {
      this.end(watched, fd);
      return { nextLookMs: Math.max(1, this.#plan.quietMs - silentMs) };
    }
    return this.#goOn(drive, watched, fd, silentMs - drive.sinceMs);
  }

  /** Whether the options of a connection are the driver's at present. */
  isDriving(watched: Watched): boolean {
    return this.#drives.has(watched);
  }

  /** Leaves a connection as it was. */
  end(watched: Watched, fd: number | undefined): void {
    const drive = this.#drives.get(watched);
    if (drive === undefined) return;
    this.#drives.delete(watched);
    if (fd !== undefined) putState(fd, drive.before);
  }

  #begin(watched: Watched, fd: number, silentMs: number): DriveStep {
    if (silentMs < this.#plan.quietMs) return { nextLookMs: this.#plan.quietMs - silentMs };
    // The program may have changed them since they were read.
    const before = shared(readState(fd, currentPlatform()));
    if (!canBePutBack(before)) return undefined;
    const drive = { before, sinceMs: silentMs, sent: 1 };
    this.#drives.set(watched, drive);
    putState(fd, probing);
    return { nextLookMs: probeLeavesMs };
  }

  #goOn(drive: Drive, watched: Watched, fd: number, sinceMs: number): DriveStep {
    const { probesAtMs, verdictAtMs } = this.#plan;
    if (sinceMs >= verdictAtMs && drive.sent === probesAtMs.length) {
      this.end(watched, fd);
      return 'dead';
    }
    if (sinceMs >= (probesAtMs[drive.sent] ?? Number.POSITIVE_INFINITY)) {
      drive.sent += 1;
      putState(fd, probing);
    }
    return { nextLookMs: Math.max(1, (probesAtMs[drive.sent] ?? verdictAtMs) - sinceMs) };
  }
}
