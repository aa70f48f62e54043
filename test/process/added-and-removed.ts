/** Adds many sockets to a watch and removes them, again and again. Its argument says how many. Prints what is left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { watchPeers } from '../../src/index.js';
import { IdleConnections } from './idle-connections.js';

export interface RemovedResult {
  readonly sizeFull: number;
  readonly sizeEmpty: number;
  /** Listeners that the sockets have more than before, after they were removed, and after a watch of them was closed. */
  readonly listenersAfterDelete: number;
  readonly listenersAfterClose: number;
  /** The heap after the last burst, less that after the first. */
  readonly growthBytes: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const bursts = 6;

/** A look that was planned for a removed connection is dropped when its time comes, at most 5 s later. */
const plansEndMs = 5500;

const { clients, ...connections } = await open();

async function open() {
  const opened = await IdleConnections.open(Number(process.argv[2]));
  return { clients: opened.clients, close: () => opened.close() };
}

function listeners(): number {
  let sum = 0;
  for (const client of clients) for (const name of client.eventNames()) sum += client.listenerCount(name);
  return sum;
}

async function liveBytes(): Promise<number> {
  await sleep(plansEndMs);
  for (let pass = 0; pass < 3; pass += 1) {
    collectGarbage();
    await sleep(50);
  }
  return process.memoryUsage().heapUsed;
}

const watch = watchPeers({ sockets: [] });
const listenersBefore = listeners();
let sizeFull = 0;

function burst(): void {
  for (const client of clients) watch.add(client);
  sizeFull = watch.size;
  for (const client of clients) watch.delete(client);
}

burst();
const afterFirst = await liveBytes();
for (let round = 1; round < bursts; round += 1) burst();
const growthBytes = (await liveBytes()) - afterFirst;
const sizeEmpty = watch.size;
const listenersAfterDelete = listeners() - listenersBefore;
for (const client of clients) watch.add(client);
watch.close();
const listenersAfterClose = listeners() - listenersBefore;
const result: RemovedResult = { sizeFull, sizeEmpty, listenersAfterDelete, listenersAfterClose, growthBytes };
connections.close();
console.log(JSON.stringify(result));
