/**
 * Watches many connections whose peers vanish at once, and prints what it was told.
 *
 * Arguments: the number of connections, and `in-turn` or `at-once` for when their kernel probes them.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { detectionTime, watchPeers } from '../../src/index.js';
import { IdleConnections } from './idle-connections.js';

export interface VanishingResult {
  readonly vanished: number;
  /** Distinct sockets that were told of as dead, and events that told so. */
  readonly deadSockets: number;
  readonly deadEvents: number;
  readonly reasons: readonly (string | undefined)[];
  readonly left: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const [countText, when] = process.argv.slice(2);
const policy = '1:1:2';
const resolutionMs = 5;

const connections = await IdleConnections.open(Number(countText));
await connections.setSpread(() => policy, when === 'in-turn' ? 1000 : 0);
const watch = watchPeers({ sockets: connections.clients });
const dead: unknown[] = [];
const reasons = new Set<string | undefined>();
watch.on('dead', ({ socket, reason }) => {
  dead.push(socket);
  reasons.add(reason);
});

const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
const vanished = await connections.ask({ what: 'vanish' });
histogram.enable();
const { latestMs } = detectionTime(policy);
const deadline = performance.now() + latestMs + 5000;
while (watch.size > 0 && performance.now() < deadline) await sleep(50);
histogram.disable();
// For what is told twice.
await sleep(500);
const result: VanishingResult = {
  vanished,
  deadSockets: new Set(dead).size,
  deadEvents: dead.length,
  reasons: [...reasons],
  left: watch.size,
  delayP99Ms: histogram.percentile(99) / 1e6 - resolutionMs,
  delayMaxMs: histogram.max / 1e6 - resolutionMs,
};
connections.close();
console.log(JSON.stringify(result));
