/**
 * Watches many connections whose peers vanish at once, and prints what it was told.
 *
 * Arguments: the number of connections, and `in-turn` or `at-once` for when their kernel probes them.
 */
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
  /** CPU time of this process from one turn of a timer of 5 ms to the next. */
  readonly turnP99Ms: number;
  readonly turnMaxMs: number;
}

const [countText, when] = process.argv.slice(2);
const policy = '1:1:2';

const connections = await IdleConnections.open(Number(countText));
await connections.setSpread(() => policy, when === 'in-turn' ? 1000 : 0);
const watch = watchPeers({ sockets: connections.clients });
const dead: unknown[] = [];
const reasons = new Set<string | undefined>();
watch.on('dead', ({ socket, reason }) => {
  dead.push(socket);
  reasons.add(reason);
});

const vanished = await connections.ask({ what: 'vanish' });
const turnsMs: number[] = [];
let used = process.cpuUsage();
const turns = setInterval(() => {
  const { user, system } = process.cpuUsage(used);
  used = process.cpuUsage();
  turnsMs.push((user + system) / 1000);
}, 5);
const { latestMs } = detectionTime(policy);
const deadline = performance.now() + latestMs + 5000;
while (watch.size > 0 && performance.now() < deadline) await sleep(50);
clearInterval(turns);
// For what is told twice.
await sleep(500);
const result: VanishingResult = {
  vanished,
  deadSockets: new Set(dead).size,
  deadEvents: dead.length,
  reasons: [...reasons],
  left: watch.size,
  turnP99Ms: turnsMs.sort((one, other) => one - other)[Math.floor(turnsMs.length * 0.99)] ?? Number.NaN,
  turnMaxMs: Math.max(...turnsMs),
};
connections.close();
console.log(JSON.stringify(result));
