/** Runs one of the parts below in a worker thread of a main thread that knows nothing of the package, and prints what it gives. */
import { once } from 'node:events';
import net from 'node:net';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const [, , part, blocked] = process.argv;

async function pair() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  const close = () => {
    client.destroy();
    accepted.destroy();
    server.close();
  };
  return { client, accepted, port: server.address().port, close };
}

async function withPair(use) {
  const ends = await pair();
  try {
    return await use(ends);
  } finally {
    ends.close();
  }
}

const attempt = (call) => {
  try {
    return call();
  } catch (error) {
    return {
      ...error,
      isError: error instanceof Error,
      class: Object.getPrototypeOf(error).constructor.name,
      message: error.message,
    };
  }
};

const parts = {
  set: () =>
    withPair(async ({ client }) => {
      const { getKeepAlive, setKeepAlive } = await import('tcp-keepalive');
      return attempt(() => [setKeepAlive(client, '30:5:3'), getKeepAlive(client)]);
    }),

  list: () =>
    withPair(async ({ port }) => {
      const { connectionToJson, listConnections, parseSelection } = await import('tcp-keepalive/linux');
      const { rows } = listConnections({ selection: parseSelection({ port: String(port) }) });
      return rows.map((row) => ({ ...connectionToJson(row), rttMs: row.connection.info?.rttMs }));
    }),
  change: () =>
    withPair(async ({ client, port }) => {
      const { getKeepAlive } = await import('tcp-keepalive');
      const linux = await import('tcp-keepalive/linux');
      const query = { selection: linux.parseSelection({ remote: '127.0.0.1', port: String(port) }) };
      const set = linux.setConnections(query, '40:6:4');
      const changed = getKeepAlive(client);
      const undone = linux.undoChanges(linux.recordOf(set.changed), 'a record');
      const { peers } = await linux.checkPeers(query);
      return {
        changed,
        restored: getKeepAlive(client),
        undone: undone.changed.length,
        answers: peers.map((p) => p.answer),
      };
    }),
  watch: () =>
    withPair(async ({ client, accepted }) => {
      const { watchPeers } = await import('tcp-keepalive');
      const { crashPeer } = await import('tcp-keepalive/testing');
      const watch = watchPeers({ sockets: [client], policy: '1:1:3' });
      const crash = crashPeer(accepted);
      const [event] = await once(watch, 'suspect');
      crash.revive();
      watch.close();
      return { isPeer: event.socket === client };
    }),
  errors: () =>
    withPair(async ({ client }) => {
      const { setKeepAlive } = await import('tcp-keepalive');
      const { destroyConnections, dumpConnections, setConnections, undoChanges } = await import('tcp-keepalive/linux');
      client.destroy();
      const end = { address: '127.0.0.1', port: 1 };
      return [
        attempt(() => setConnections({ all: true }, '1:2')),
        attempt(() => dumpConnections({ netns: '/nonexistent' })),
        attempt(() => undoChanges({ bootId: 'another', changed: [] }, 'a record')),
        attempt(() => destroyConnections([{ cookie: 1n, netns: 1, local: end, remote: end, more() {} }])),
        attempt(() => setKeepAlive(client, '30:5:3')),
      ];
    }),
};

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: [part] });
  const flag = new Int32Array(new SharedArrayBuffer(4));
  worker.postMessage(flag);
  // As a main thread that has a worker do something synchronously.
  if (blocked !== undefined) Atomics.wait(flag, 0, 0, 20_000);
  const [result] = await once(worker, 'message');
  console.log(
    JSON.stringify({ result, wasDone: flag[0] === 1 }, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  );
} else {
  const [flag] = await once(parentPort, 'message');
  parentPort.postMessage(await parts[part]());
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  parentPort.close();
}
