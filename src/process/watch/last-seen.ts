import type net from 'node:net';
import { nowMs } from '../../node/real-time.js';
import type { Outstanding } from './condition.js';

/** The last state of a connection that was unanswered, or had been until just before. */
export interface LastSight {
  /** When the connection was looked at, by the clock of `real-time.ts`. */
  readonly seenAt: number;
  readonly unansweredKind: Outstanding;
  readonly unanswered: number;
  readonly silentMs: number;
  readonly idleMs: number;
  readonly rttMs: number;
  /** `undefined`, like the next field, if the connection was looked at only after its end. */
  readonly unacknowledgedBytes: number | undefined;
  readonly zeroWindow: boolean | undefined;
  readonly userTimeout: number;
}

const lastSights = new WeakMap<object, LastSight>();

/** Keeps the last state of a connection, by its socket and by the error that the connection ended with. */
export function rememberSight(of: net.Socket | Error, sight: LastSight): void {
  lastSights.set(of, sight);
}

/** Forgets the last state of a connection, which is too old to explain its end. */
export function forgetSight(socket: net.Socket): void {
  lastSights.delete(socket);
}

/** Returns the last state of the connection that has this socket, or that ended with this error. */
export function anySightOf(of: unknown): LastSight | undefined {
  return typeof of === 'object' && of !== null ? lastSights.get(of) : undefined;
}

/** A watch looks at such a connection several times a second. An older state says nothing of the end. */
const freshMs = 10_000;

/** Returns the last state of a connection, if probes or data were unanswered then and the look was recent. */
export function lastSightOf(socket: net.Socket): LastSight | undefined {
  const sight = lastSights.get(socket);
  if (sight === undefined || nowMs() - sight.seenAt > freshMs) return undefined;
  return sight.unanswered > 0 || sight.zeroWindow === true ? sight : undefined;
}
