import { probesOnKernels, type QuietSettings } from './quiet-death.js';
import { dayMs } from './traffic.js';

/** The packets that a path loses. */
export interface PathLoss {
  /** The share of the packets that are lost, each way: 0.05 is 5 %. */
  readonly loss: number;
  /** The mean length of an outage in milliseconds, if packets are lost in outages. Default: each is lost by itself. */
  readonly burstMs?: number;
}

/** How often a healthy, quiet connection is ended, because probes or their answers were lost. */
export interface FalseAlarm {
  /** The chance that a probe which is due is the first of so many lost ones that the connection ends. */
  readonly perProbe: number;
  /** The expected number a day and connection, while the connection is quiet. */
  readonly perDay: number;
  /** How many lost probes in a row end the connection; fewer where late timers bring the user timeout forward. */
  readonly probes: number;
}

/**
 * Returns the chance that a probe or its answer is lost, some time after a probe that was lost or not.
 *
 * Outages are a chain of two states, in the model of Gilbert and Elliott: everything is lost in one and nothing in the
 * other. The memory of the state fades with the length of the outages.
 */
function lossAfter({ loss, burstMs }: PathLoss, ms: number, wasLost: boolean): number {
  if (burstMs === undefined) return 1 - (1 - loss) ** 2;
  const memory = Math.exp(-ms / (burstMs * (1 - loss)));
  return wasLost ? loss + (1 - loss) * memory : loss * (1 - memory);
}

/**
 * Computes how often a path that loses packets ends a healthy connection that is quiet.
 *
 * A probe that is answered starts a new quiet time. The kernel ends the connection when so many probes in a row are lost
 * as the policy allows, with the user timeout as early as the latest timers make it.
 */
export function falseAlarm(settings: QuietSettings, path: PathLoss): FalseAlarm {
  const { idle, interval } = settings;
  const probes = probesOnKernels(settings).fewest;
  const quietMs = Math.max(idle, interval);
  const first = lossAfter(path, quietMs, false);
  const again = lossAfter(path, interval, true);
  const perProbe = first * again ** (probes - 1);
  // The intervals that follow lost probes, until one is answered or the connection ends.
  const waitedIntervals = again === 1 ? first * probes : (first * (1 - again ** probes)) / (1 - again);
  const perDay = (dayMs / (quietMs + interval * waitedIntervals)) * perProbe;
  return { perProbe, perDay, probes };
}
