// Watches two connections while timers and clocks are not the real ones, and prints what came of that.
// Arguments: which fake, and whether it is installed before or after the package is loaded.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import net from 'node:net';
import { mock } from 'node:test';

const [, , fake, when] = process.argv;
const timers = createRequire(import.meta.url)('node:timers');
const promised = createRequire(import.meta.url)('node:timers/promises');
const apis = ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'scheduler.wait'];
const stub = () => 1;
const stubs = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'].flatMap(
    (name) => [
      [globalThis, name, stub],
      [timers, name, stub],
    ],
  ),
  ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => [promised, name, () => new Promise(() => {})]),
  [promised.scheduler, 'wait', () => new Promise(() => {})],
  [globalThis, 'queueMicrotask', stub],
  [performance, 'now', () => 0],
  [process, 'hrtime', Object.assign(() => [0, 0], { bigint: () => 0n })],
  [Date, 'now', () => 0],
];

/** Installs the fake, and returns what a program does with it: let all timers run. */
function install() {
  if (fake === 'stubs') {
    for (const [object, name, value] of stubs) {
      Object.defineProperty(object, name, { value, configurable: true, writable: true });
    }
    return () => {};
  }
  const [major] = process.versions.node.split('.').map(Number);
  mock.timers.enable({ apis: major >= 24 ? apis : apis.slice(0, 4) });
  return () => mock.timers.runAll();
}

const runAll = when === 'before' ? install() : undefined;
const { probePeer, watchPeers } = await import('../../../dist/index.js');
const { crashPeer } = await import('../../../dist/testing/index.js');

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
async function pair() {
  const client = net
    .connect(server.address().port, '127.0.0.1')
    .on('error', () => {})
    .resume();
  const [[peer]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  return [client, peer.on('error', () => {}).resume()];
}
const [[first, firstPeer], [second, secondPeer]] = [await pair(), await pair()];

const watch = watchPeers({ sockets: [first, second], policy: '1:1:2', deadAfter: '2s', destroy: true });
const letAllRun = runAll ?? install();
let thrown;
try {
  for (const socket of [first, second]) socket.write('.');
  letAllRun();
  letAllRun();
} catch (error) {
  thrown = String(error);
}
await once(firstPeer, 'data');
crashPeer(firstPeer);
const [dead] = await once(watch, 'dead');
const report = { thrown, dead: dead.reason, isFirst: dead.socket === first, destroyed: first.destroyed };

watch.close();
crashPeer(secondPeer);
// The peer has to be silent for a second before the kernel probes.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);
const { answered } = await probePeer(second, { timeout: '500ms' });
process.stdout.write(`${JSON.stringify({ ...report, answered })}\n`);
process.exit();
