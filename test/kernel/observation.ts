import type net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { TimeRange } from '../../src/index.js';
import { descriptorOf } from '../../src/node/handle.js';
import { jiffyMs, kernelHz, timerLatenessMs } from '../../src/policy/model/timer-wheel.js';
import { readTcpInfo } from '../../src/socket/tcp-info.js';
import type { TcpInfo } from '../../src/wire/tcp-info/decode.js';

/** When something happened, as far as a program that looks now and then can tell (`performance.now()`). */
export interface Moment {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** This instant. */
export function thisMoment(): Moment {
  const now = performance.now();
  return { notBefore: now, notAfter: now };
}

/** How often this process notes that it runs. */
const turnMs = 10;
/** When it did last, and when before. */
const turns = { last: performance.now(), before: performance.now() };
/** When it could not, for want of a processor or because it was busy. */
const stalls: { readonly from: number; readonly to: number }[] = [];

setInterval(() => {
  turns.before = turns.last;
  turns.last = performance.now();
  if (turns.last - turns.before > 2 * turnMs) stalls.push({ from: turns.before + turnMs, to: turns.last });
}, turnMs).unref();

/** How long this process could run between two moments: what a busy machine made it wait does not count. */
export function runningMs(from: number, to: number = performance.now()): number {
  const ongoing = { from: turns.last + turnMs, to: Math.max(turns.last + turnMs, performance.now()) };
  const stalledMs = [...stalls, ongoing].map((stall) => Math.min(stall.to, to) - Math.max(stall.from, from));
  return to - from - stalledMs.reduce((sum, ms) => sum + Math.max(0, ms), 0);
}

/** Waits until `condition` holds and gives the moment at which that came about. */
export async function moment(condition: () => boolean, what: string, withinMs = 20_000): Promise<Moment> {
  const deadline = performance.now() + withinMs;
  let notBefore = performance.now();
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    notBefore = performance.now();
    await delay(4);
  }
  return { notBefore, notAfter: performance.now() };
}

/** A kernel timer of `delayMs`: never early, and as late as the timer wheel allows on a kernel of any HZ. */
export function timerRange(delayMs: number): TimeRange {
  return {
    earliestMs: delayMs,
    latestMs: delayMs + Math.max(...kernelHz.map((hz) => timerLatenessMs(delayMs, hz))),
  };
}

/**
 * The quiet time before a probe: a timer, except that the kernel reckons quiet time in whole jiffies and so may be
 * short by one.
 */
export function quietRange(idleMs: number): TimeRange {
  return { ...timerRange(idleMs), earliestMs: idleMs - Math.max(...kernelHz.map(jiffyMs)) };
}

/** What the kernel says of a connection now. */
export function infoOf(socket: net.Socket): TcpInfo {
  const fd = descriptorOf(socket);
  if (fd === undefined) throw new Error('the socket has no descriptor any more');
  return readTcpInfo(fd);
}

/** When the kernel last heard the peer of the connection that a descriptor is of, which it tells in whole jiffies. */
export function lastHeard(fd: number): Moment {
  const { notBefore } = thisMoment();
  const { lastAckReceivedMs, lastDataReceivedMs } = readTcpInfo(fd);
  const agoMs = Math.min(lastAckReceivedMs, lastDataReceivedMs);
  const longestJiffyMs = Math.max(...kernelHz.map(jiffyMs));
  return { notBefore: notBefore - agoMs - longestJiffyMs, notAfter: thisMoment().notAfter - agoMs };
}

/** Segments that this end has sent, empty ones and probes included. */
export function sentSegments(socket: net.Socket): number {
  return infoOf(socket).segmentsOut ?? Number.NaN;
}

/** Segments that have reached this end. */
export function receivedSegments(socket: net.Socket): number {
  return infoOf(socket).segmentsIn ?? Number.NaN;
}

/** How a connection ended. */
export interface End {
  readonly at: Moment;
  /** The error's code; `undefined` when there was none. */
  readonly code: string | undefined;
  /** Whether the peer said that it was done (FIN). */
  readonly finReceived: boolean;
}

/** Resolves when `socket` has closed. Reads on, because a program that does not read is not told. */
export function endOf(socket: net.Socket): Promise<End> {
  return new Promise((resolve) => {
    let code: string | undefined;
    let finReceived = false;
    socket.once('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    socket.once('end', () => {
      finReceived = true;
    });
    // What an event tells of now would have been told in the last turn but one.
    socket.once('close', () =>
      resolve({ at: { notBefore: turns.before, notAfter: performance.now() }, code, finReceived }),
    );
    socket.resume();
  });
}

/**
 * Lets `from` send the last that `to` will hear of it, waits until it is acknowledged, and gives the moment at which
 * `to` heard it.
 */
export async function lastSignOfLife(from: net.Socket, to: net.Socket): Promise<Moment> {
  await moment(() => infoOf(to).unacked === 0, 'everything sent is acknowledged');
  const segments = receivedSegments(to);
  const notBefore = performance.now();
  from.write('.');
  const { notAfter } = await moment(() => receivedSegments(to) > segments, 'the segment arrives');
  await moment(() => infoOf(from).unacked === 0, 'the segment is acknowledged');
  return { notBefore, notAfter };
}
