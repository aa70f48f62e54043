/** Watches many healthy idle connections. Arguments: how many, and for how many milliseconds. Prints what it was told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type PeerEvent, watchPeers } from '../../src/index.js';
import { IdleConnections, packetsDropped, packetsSent } from './idle-connections.js';

export interface QuietResult {
  readonly watched: number;
  readonly events: Readonly<Record<string, number>>;
  readonly probesPerConnection: number;
  /** By the kernel of the whole machine: probes may be among them. */
  readonly dropped: number;
}

const [countText, forText] = process.argv.slice(2);
const connections = await IdleConnections.open(Number(countText));
const dropped = packetsDropped();
await connections.setSpread(() => '1:1:3', 1000);
const watch = watchPeers({ sockets: connections.clients });
const events: Record<string, number> = {};
for (const type of ['suspect', 'recovered', 'stalled', 'dead'] as const) {
  watch.on(type as 'suspect', (event: PeerEvent) => {
    events[event.type] = (events[event.type] ?? 0) + 1;
  });
}
const sent = packetsSent();
await sleep(Number(forText));
const result: QuietResult = {
  watched: watch.size,
  events,
  probesPerConnection: (packetsSent() - sent) / 2 / connections.clients.length,
  dropped: packetsDropped() - dropped,
};
watch.close();
connections.close();
console.log(JSON.stringify(result));
