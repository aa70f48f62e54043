/**
 * Watches healthy connections that lose packets at random, for a fixed time. Its argument says how many connections
 * each group has. Prints how many of each group their kernel had given up at the end, and what the watch told.
 */
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchPeers } from '../../src/index.js';
import { type LossyPath, lossyPath } from '../../src/testing/index.js';
import { infoOf, sentSegments } from '../kernel/observation.js';
import { IdleConnections } from './idle-connections.js';

/** Connections with the same loss and the same policy. */
export interface LossyGroup {
  readonly loss: number;
  /** Whether answers are lost as well as probes. */
  readonly bothWays: boolean;
  readonly count: number;
}

export interface LossyResult extends LossyGroup {
  readonly connections: number;
  readonly givenUp: number;
  /** Probes that each of the others had sent. */
  readonly fewestProbes: number;
  readonly mostProbes: number;
  /** Sockets that the kernel ended until the losses were over and no probe was outstanding any more. */
  readonly endedByKernel: number;
  /** Of these, those that the watch told of as dead for lack of an answer to as many probes as the policy says. */
  readonly toldOf: number;
  /** All its events of dead peers. */
  readonly deadEvents: number;
}

const groups: readonly LossyGroup[] = [
  { loss: 0.1, bothWays: false, count: 2 },
  { loss: 0.1, bothWays: true, count: 2 },
  { loss: 0.3, bothWays: false, count: 3 },
  { loss: 0.3, bothWays: true, count: 3 },
  { loss: 0.5, bothWays: false, count: 3 },
  { loss: 0.5, bothWays: true, count: 3 },
];
const perGroup = Number(process.argv[2]);
const lossyForMs = 12_000;

const connections = await IdleConnections.open(groups.length * perGroup);
const groupOf = (index: number) => groups[index % groups.length] as LossyGroup;
const sentBefore = connections.clients.map(sentSegments);
const paths: LossyPath[] = [];

for (const group of groups) {
  const members = connections.clients.filter((_, index) => groupOf(index) === group);
  if (group.bothWays)
    for (const client of members) paths.push(lossyPath(client, { loss: group.loss, method: 'filter' }));
  const ports = members.map(({ localPort }) => localPort as number);
  const lossy = await connections.ask({ what: 'lose', loss: group.loss, ports });
  if (lossy !== perGroup) throw new Error(`${lossy} of ${perGroup} far ends are known`);
}

// One second, so that every connection's probes are a second apart and no two are outstanding together.
await connections.setSpread((index) => `1:1:${groupOf(index).count}`, 1000);
const startedAt = performance.now();
const watch = watchPeers({ sockets: connections.clients });
const dead: { readonly socket: net.Socket; readonly reason: string | undefined; readonly unanswered: number }[] = [];
watch.on('dead', (event) => void dead.push(event));
await sleep(startedAt + lossyForMs - performance.now());

const probes = connections.clients.map((client, index) => {
  const isAlive = !client.destroyed && infoOf(client).state === 'ESTABLISHED';
  return isAlive ? sentSegments(client) - (sentBefore[index] as number) : undefined;
});
for (const path of paths) path.close();
await connections.ask({
  what: 'lose',
  loss: 0,
  ports: connections.clients.map(({ localPort }) => localPort as number),
});
await sleep(2500);

function resultOf(group: LossyGroup): LossyResult {
  const indices = connections.clients.flatMap((_, index) => (groupOf(index) === group ? [index] : []));
  const sent = indices.flatMap((index) => probes[index] ?? []);
  const members = new Set(indices.map((index) => connections.clients[index] as net.Socket));
  const ended = [...members].filter(({ errored }) => (errored as NodeJS.ErrnoException | null)?.code === 'ETIMEDOUT');
  const told = dead.filter(({ socket }) => members.has(socket));
  const asExpected = told.filter(({ reason, unanswered }) => reason === 'keepalive' && unanswered === group.count);
  const toldSockets = new Set(asExpected.map(({ socket }) => socket));
  return {
    ...group,
    connections: indices.length,
    givenUp: indices.length - sent.length,
    fewestProbes: Math.min(...sent),
    mostProbes: Math.max(...sent),
    endedByKernel: ended.length,
    toldOf: ended.filter((socket) => toldSockets.has(socket)).length,
    deadEvents: told.length,
  };
}

const results: LossyResult[] = groups.map(resultOf);
watch.close();
connections.close();
console.log(JSON.stringify(results));
