import type net from 'node:net';
import { nowMs } from '../../socket/real-time.js';
import type { Outstanding } from './condition.js';

/** What was last seen of a connection when not all was well, or had just become so. */
export interface LastSight {
  /** When the connection was seen, by the clock of `real-time.ts`. */
  readonly seenAt: number;
  readonly unansweredKind: Outstanding;
  readonly unanswered: number;
  readonly silentMs: number;
  readonly idleMs: number;
  readonly rttMs: number;
  /** `undefined`, as below, where the connection was looked at only when it had ended. */
  readonly unacknowledgedBytes: number | undefined;
  readonly zeroWindow: boolean | undefined;
  readonly userTimeout: number;
}

const lastSights = new WeakMap<object, LastSight>();

/** Keeps what was last seen of a connection, by its socket, and by the error that it ended with. */
export function rememberSight(of: net.Socket | Error, sight: LastSight): void {
  lastSights.set(of, sight);
}

/** What was last seen was long before the end, and says nothing of the end. */
export function forgetSight(socket: net.Socket): void {
  lastSights.delete(socket);
}

/** Returns what was last seen of the connection that has this socket, or that ended with this error. */
export function anySightOf(of: unknown): LastSight | undefined {
  return typeof of === 'object' && of !== null ? lastSights.get(of) : undefined;
}

/** A watch sees such a connection several times a second; it may have been given up since, or the program held up. */
const freshMs = 10_000;

/** Returns what was last seen of a connection, if not all was well then, and that was not long ago. */
export function lastSightOf(socket: net.Socket): LastSight | undefined {
  const sight = lastSights.get(socket);
  if (sight === undefined || nowMs() - sight.seenAt > freshMs) return undefined;
  return sight.unanswered > 0 || sight.zeroWindow === true ? sight : undefined;
}
