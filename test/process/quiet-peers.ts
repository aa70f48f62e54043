/** Watches many healthy idle connections. Arguments: how many, and for how many milliseconds. Prints what it was told. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PeerEvent, watchPeers } from '../../src/index.js';
import { IdleConnections, loopbackPackets } from './idle-connections.js';

export interface QuietResult {
  readonly watched: number;
  readonly events: Readonly<Record<string, number>>;
  readonly probesPerConnection: number;
  /** Probes or answers that were lost on the way, because the kernel had no room for them. */
  readonly lost: number;
  /** The longest that this process was kept from running. */
  readonly stalledMs: number;
}

const [countText, forText] = process.argv.slice(2);
const connections = await IdleConnections.open(Number(countText));
// One that has been quiet for its idle time is probed when it is set, so that the probes are spread as that is.
await sleep(1100);
await connections.setSpread(() => '1:1:3', 1000);
const watch = watchPeers({ sockets: connections.clients });
const events: Record<string, number> = {};
for (const type of ['suspect', 'recovered', 'stalled', 'closed', 'dead'] as const) {
  watch.on(type as 'suspect', (event: PeerEvent) => {
    events[event.type] = (events[event.type] ?? 0) + 1;
  });
}
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const before = loopbackPackets();
await sleep(Number(forText));
const after = loopbackPackets();
// Who is suspected because the last probe was lost answers the next one.
const toldWithin = performance.now() + 5000;
const isSettled = () => events['suspect'] === events['recovered'] || performance.now() > toldWithin;
while (!isSettled()) await sleep(50);
const result: QuietResult = {
  watched: watch.size,
  events,
  probesPerConnection: (after.sent - before.sent) / 2 / connections.clients.length,
  lost: after.dropped - before.dropped,
  stalledMs: delay.max / 1e6,
};
watch.close();
connections.close();
console.log(JSON.stringify(result));
