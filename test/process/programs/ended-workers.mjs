/**
 * Starts worker threads that use the package as `process.argv[2]` says, and terminates each at a random moment of the time
 * that the first one takes. With `exit`, ends the process at such a moment instead, with code 7.
 */
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const [, , use, count, ending] = process.argv;

/** How many descriptors are open, but for files of modules: Node.js leaves those open that an ended worker was reading. */
function descriptors() {
  const isModule = (fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).endsWith('js');
    } catch {
      return true;
    }
  };
  return readdirSync('/proc/self/fd').filter((fd) => !isModule(fd)).length;
}

async function run() {
  const server = net.createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const start = () => new Worker(new URL(import.meta.url), { argv: [use], workerData: server.address().port });

  const startedAt = performance.now();
  const first = start();
  if (ending === 'exit') {
    // Half of the runs end the process while the first worker starts, half while others do.
    if (Math.random() < 0.5) await once(first, 'message');
    else await sleep(Math.random() * 150);
    for (let i = 0; i < 3; i += 1) start();
    setTimeout(() => process.exit(7), Math.random() * 150);
    return;
  }
  await once(first, 'message');
  const lifeMs = performance.now() - startedAt;
  await first.terminate();
  await sleep(100);
  const before = descriptors();
  for (let i = 0; i < Number(count); i += 2) {
    const pair = [start(), start()];
    const ended = pair.map((worker) => once(worker, 'exit'));
    for (const worker of pair) setTimeout(() => worker.terminate(), Math.random() * 1.2 * lifeMs);
    await Promise.all(ended);
  }
  // What the peers of ended workers have open is closed soon after.
  for (let i = 0; i < 50 && descriptors() > before; i += 1) await sleep(100);
  console.log(JSON.stringify({ ended: Number(count), leaked: descriptors() - before }));
  server.close();
}

async function connected() {
  const socket = net.connect(workerData, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const uses = {
  // What `--import tcp-keepalive/register` does.
  register: async () => void (await connected()),
  applyToProcess: async () => {
    const { applyToProcess } = await import('tcp-keepalive');
    applyToProcess('30:5:3');
    await connected();
  },
  setKeepAlive: async () => {
    const { getKeepAlive, setKeepAlive } = await import('tcp-keepalive');
    const socket = await connected();
    setKeepAlive(socket, '30:5:3');
    getKeepAlive(socket);
  },
  watchPeers: async () => {
    const { probePeer, watchPeers } = await import('tcp-keepalive');
    const socket = await connected();
    watchPeers({ sockets: [socket], policy: '30:5:3' });
    socket.write('hello');
    await probePeer(socket);
  },
  host: async () => {
    const { checkPeers, listConnections, parseSelection, setConnections } = await import('tcp-keepalive/linux');
    const selection = parseSelection({ port: String(workerData) });
    listConnections({ selection });
    setConnections({ selection }, '30:5:3');
    await checkPeers({ selection }, { timeout: 200 });
  },
};

if (isMainThread) await run();
else {
  await uses[use]();
  parentPort.postMessage('done');
  await sleep(10_000);
}
