// Sets keepalive in a worker thread whose immediates are a stub, and ends a process whose timers are one.
import { once } from 'node:events';
import net from 'node:net';
import { isMainThread, Worker } from 'node:worker_threads';
import { getKeepAlive, setKeepAlive } from '../../../dist/index.js';

const stub = () => 1;

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  // Both can be told in one turn.
  const ended = once(worker, 'exit');
  const [seen] = await once(worker, 'message');
  await ended;
  process.stdout.write(JSON.stringify(seen));
  globalThis.setTimeout = stub;
  process.on('exit', () => process.stdout.write(' exit'));
  process.exit(3);
} else {
  const { parentPort } = await import('node:worker_threads');
  const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  let calls = 0;
  globalThis.setImmediate = () => {
    calls += 1;
    return stub();
  };
  setKeepAlive(socket, '30:5:3');
  const { idle, interval, count } = getKeepAlive(socket);
  parentPort.postMessage({ idle, interval, count, calls });
  socket.destroy();
  server.close();
  process.exit();
}
