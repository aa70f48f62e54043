/** Measures, in a network namespace of its own, how ways to notice dead peers within 2 s do. Prints JSON. */
import { setTimeout as pause } from 'node:timers/promises';
import { startMosquitto } from '../test/drivers/servers/brokers.js';
import { type Child, startChild } from './child.js';
import type { DeathNote, Processor, Protocol, Request } from './dead-within-clients.js';
import { settings } from './dead-within-settings.js';
import { monotonicMs } from './monotonic.js';
import { countPorts, cutOff, endCutOff, setLoss, type Traffic, trafficByPort } from './packet-filter.js';

export interface Load extends Traffic {
  readonly forMs: number;
  /** Of the client process. */
  readonly cpuMs: number;
}

/** Healthy connections that were given up. */
export interface FalseAlarms {
  readonly lossPercent: number;
  readonly byClient: number;
  readonly byServer: number;
}

export interface ContestantMeasured {
  readonly name: string;
  /** The messages alone, with nothing that notices dead peers. */
  readonly without: Load;
  readonly with: Load;
  /** From the crash to the event, shortest first; of peers that were sent nothing meanwhile. */
  readonly quietMs: readonly number[];
  /** The same, where a message was on its way to the dead peer. */
  readonly messageMs: readonly number[];
  /** Peers that crashed and were not noticed. */
  readonly missed: number;
  readonly falseAlarms: readonly FalseAlarms[];
}

interface Contestant {
  readonly name: string;
  readonly protocol: Protocol;
  readonly care: string;
}

const contestants: readonly Contestant[] = [
  { name: "watchPeers, deadWithin '2.5s'", protocol: 'tcp', care: '2.5s' },
  { name: "watchPeers, deadWithin '2s'", protocol: 'tcp', care: '2s' },
  { name: "watchPeers, deadWithin '1.5s'", protocol: 'tcp', care: '1.5s' },
  { name: 'ws ping/pong', protocol: 'ws', care: 'heartbeat' },
  { name: 'MQTT keepalive', protocol: 'mqtt', care: 'heartbeat' },
];

/** Until heartbeats and watches are in their rhythm. */
const settleMs = 3000;
/** Longer than any contestant takes to notice. */
const lastVerdictMs = 6000;

const ask = <Answer>(child: Child, request: Request) => child.ask<Answer>(request);

/** Lets all contestants hold connections of their own at the same time, so that one state of the machine meets all. */
async function withClients<Result>(
  servers: readonly number[],
  isCaring: boolean,
  use: (clients: readonly Child[]) => Promise<Result>,
): Promise<Result> {
  const clients = contestants.map(({ protocol, care }, index) =>
    startChild('dead-within-clients.ts', [
      String(settings.connections),
      String(servers[index]),
      protocol,
      isCaring ? care : 'none',
    ]),
  );
  try {
    await Promise.all(clients.map(({ ready }) => ready));
    await pause(settleMs);
    return await use(clients);
  } finally {
    await Promise.all(clients.map((child) => child.end()));
  }
}

async function measureLoads(servers: readonly number[], clients: readonly Child[]): Promise<Load[]> {
  const before = trafficByPort();
  const processors = await Promise.all(
    clients.map((child) => ask<Processor>(child, { what: 'processor', forMs: settings.loadForMs })),
  );
  const after = trafficByPort();
  return processors.map((processor, index) => {
    const port = servers[index] ?? 0;
    const grown = (what: keyof Traffic) => (after.get(port)?.[what] ?? 0) - (before.get(port)?.[what] ?? 0);
    return { ...processor, packets: grown('packets'), bytes: grown('bytes') };
  });
}

/** When which connection of a contestant was cut off, by the client's port. */
type CutOffs = ReadonlyMap<number, number>;

/** Cuts off some connections of each contestant at a time. */
async function cutOffByAndBy(servers: readonly number[], clients: readonly Child[]): Promise<CutOffs[]> {
  const { connectionsPerCutOff: size, cutOffs, cutOffEveryMs } = settings;
  const ports = await Promise.all(clients.map((child) => ask<number[]>(child, { what: 'ports' })));
  const cutOffAt = clients.map(() => new Map<number, number>());
  // Connections that were made one after the other speak so as well: those of one transition must not.
  const apart = Math.floor(settings.connections / size);
  const startedAt = performance.now();
  for (let transition = 0; transition < cutOffs; transition += 1) {
    const chosen = ports.map((own) => own.filter((_port, index) => index % apart === transition));
    const atMs = monotonicMs();
    cutOff(chosen.flatMap((own, index) => own.map((client) => ({ client, server: servers[index] ?? 0 }))));
    for (const [index, own] of chosen.entries()) for (const port of own) cutOffAt[index]?.set(port, atMs);
    await pause(startedAt + (transition + 1) * cutOffEveryMs - performance.now());
  }
  return cutOffAt;
}

interface Detection {
  readonly quietMs: readonly number[];
  readonly messageMs: readonly number[];
  readonly missed: number;
  /** Of the connections that were not cut off, since they were made. */
  readonly falseAlarms: FalseAlarms;
}

function falseAlarmsOf(deaths: readonly DeathNote[], lossPercent: number): FalseAlarms {
  const countBy = (by: DeathNote['by']) => deaths.filter((note) => note.by === by).length;
  return { lossPercent, byClient: countBy('client'), byServer: countBy('server') };
}

function detectionOf(deaths: readonly DeathNote[], cutOffAt: CutOffs): Detection {
  const crashOf = ({ clientPort }: DeathNote) => cutOffAt.get(clientPort) ?? Number.POSITIVE_INFINITY;
  const found = deaths.filter((note) => note.atMs >= crashOf(note));
  const times = (notes: readonly DeathNote[]) => notes.map((note) => note.atMs - crashOf(note)).sort((a, b) => a - b);
  const early = deaths.filter((note) => note.atMs < crashOf(note));
  return {
    quietMs: times(found.filter((note) => note.saidAtMs < crashOf(note))),
    messageMs: times(found.filter((note) => note.saidAtMs >= crashOf(note))),
    missed: cutOffAt.size - found.length,
    falseAlarms: falseAlarmsOf(early, 0),
  };
}

async function measureDetection(servers: readonly number[], clients: readonly Child[]): Promise<Detection[]> {
  const cutOffAt = await cutOffByAndBy(servers, clients);
  await pause(lastVerdictMs);
  endCutOff();
  const notes = await Promise.all(clients.map((child) => ask<DeathNote[]>(child, { what: 'deaths' })));
  return notes.map((deaths, index) => detectionOf(deaths, cutOffAt[index] ?? new Map()));
}

async function countFalseAlarms(clients: readonly Child[], lossPercent: number): Promise<FalseAlarms[]> {
  setLoss(lossPercent);
  await pause(settings.lossForMs);
  setLoss(0);
  const notes = await Promise.all(clients.map((child) => ask<DeathNote[]>(child, { what: 'deaths' })));
  return notes.map((deaths) => falseAlarmsOf(deaths, lossPercent));
}

async function measure(servers: readonly number[]): Promise<ContestantMeasured[]> {
  const without = await withClients(servers, false, (clients) => measureLoads(servers, clients));
  const [during, detections] = await withClients(servers, true, async (clients) => [
    await measureLoads(servers, clients),
    await measureDetection(servers, clients),
  ]);
  const falseAlarms: FalseAlarms[][] = [];
  for (const percent of settings.lossPercents) {
    falseAlarms.push(await withClients(servers, true, (clients) => countFalseAlarms(clients, percent)));
  }
  return contestants.map(({ name }, index) => ({
    name,
    without: without[index] as Load,
    with: during[index] as Load,
    ...(detections[index] as Detection),
    falseAlarms: [
      detections[index]?.falseAlarms as FalseAlarms,
      ...falseAlarms.map((each) => each[index] as FalseAlarms),
    ],
  }));
}

const broker = await startMosquitto();
const servers = [
  startChild('idle-server.ts', ['tcp']),
  startChild('idle-server.ts', ['tcp']),
  startChild('idle-server.ts', ['tcp']),
  startChild('idle-server.ts', ['ws']),
];
try {
  const ports = [...(await Promise.all(servers.map(({ ready }) => ready))), broker.port];
  countPorts(ports);
  console.log(JSON.stringify(await measure(ports)));
} finally {
  await Promise.all(servers.map((server) => server.end()));
  await broker.stop();
}
