import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setKeepAlive } from 'tcp-keepalive';
import { crashPeer, loopbackPair } from 'tcp-keepalive/testing';
import { descriptorOf } from '../src/node/handle.js';
import { detectionTime } from '../src/policy/model/detection-time.js';
import type { TimeRange } from '../src/policy/model/time-range.js';
import { readTcpInfo } from '../src/socket/tcp-info.js';
import { type Report, renderTable } from './report.js';

const policy = '30:5:3';
const idleMs = 30_000;
const intervalMs = 5_000;
const pollingMs = 5;
/** What polling and a busy event loop may add to a reading. */
const toleranceMs = 250;

interface Step {
  readonly what: string;
  readonly atMs: number;
  /** Since the step before, which is what the policy speaks of. */
  readonly sinceMs: number;
  readonly expected: TimeRange;
  readonly isInside: boolean;
}

/** The range in which the kernel's timer of this length fires: the first probe of such a policy. */
function timerRange(ms: number): TimeRange {
  return detectionTime({ idle: ms, interval: ms, count: 1 }, 'rebooted');
}

class Timeline {
  readonly steps: Step[] = [];
  readonly #start = performance.now();
  #lastMs = 0;

  add(what: string, expected: TimeRange): void {
    const atMs = Math.round(performance.now() - this.#start);
    const sinceMs = atMs - this.#lastMs;
    // The step before may have been read late by one poll, which shortens this one.
    const isInside = sinceMs >= expected.earliestMs - pollingMs && sinceMs <= expected.latestMs + toleranceMs;
    this.steps.push({ what, atMs, sinceMs, expected, isInside });
    this.#lastMs = atMs;
  }
}

/** Waits until a socket's kernel has sent one more segment, and gives how many probes it then holds unanswered. */
async function nextProbe(socket: net.Socket): Promise<number> {
  const fd = descriptorOf(socket) as number;
  const sent = readTcpInfo(fd).segmentsOut;
  while (readTcpInfo(fd).segmentsOut === sent) await sleep(pollingMs);
  return readTcpInfo(fd).probes;
}

async function run(): Promise<{ steps: readonly Step[]; error: string }> {
  using pair = await loopbackPair();
  const { client, server } = pair;
  setKeepAlive(server, policy);
  const timeline = new Timeline();
  const unanswered = await nextProbe(server);
  timeline.add(`quiet, then a probe: ${unanswered} unanswered`, timerRange(idleMs));
  crashPeer(client);
  const failed = once(server, 'error') as Promise<[NodeJS.ErrnoException]>;
  failed.catch(() => {});
  timeline.add(`its ACK began a new quiet; a probe: ${await nextProbe(server)} unanswered`, timerRange(idleMs));
  for (let probe = 2; probe <= 3; probe += 1) {
    timeline.add(`a probe: ${await nextProbe(server)} unanswered`, timerRange(intervalMs));
  }
  const [{ code = 'no code' }] = await failed;
  timeline.add(`dead: ${code}`, timerRange(intervalMs));
  return { steps: timeline.steps, error: code };
}

/** Follows one connection under 30:5:3 at full size: an answered probe, then a peer that has crashed. */
export async function benchmarkTimeline(): Promise<Report> {
  const { steps, error } = await run();
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const rows = steps.map(({ what, atMs, sinceMs, expected, isInside }) => [
    what,
    seconds(atMs),
    seconds(sinceMs),
    `${seconds(expected.earliestMs)}..${seconds(expected.latestMs)}${isInside ? '' : ' OUTSIDE'}`,
  ]);
  const isAsExpected = steps.every(({ isInside }) => isInside) && error === 'ETIMEDOUT';
  const table = renderTable([['seconds', 'at', 'since', 'expected'], ...rows]);
  const verdict = `${isAsExpected ? 'met   ' : 'MISSED'} each step inside its range, dead by ETIMEDOUT`;
  return { data: { policy, steps, error, isAsExpected }, text: [table, '', verdict].join('\n') };
}
