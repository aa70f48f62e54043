/** Prints what a connection that a worker thread opens has, in a worker of a worker too. */
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { getKeepAlive } from 'tcp-keepalive';

const depth = isMainThread ? 0 : workerData;
const results = [];
if (depth > 0) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  results.push(getKeepAlive(client), getKeepAlive(accepted));
  client.destroy();
  accepted.destroy();
  server.close();
}
if (depth < 2) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: depth + 1 });
  const [below] = await once(worker, 'message');
  results.push(...below);
}
if (isMainThread) console.log(JSON.stringify(results));
else parentPort.postMessage(results);
