/** Runs one scenario in which native code has sockets, and prints what the kernel says of them, as JSON. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { applyToProcess, setKeepAlive } from 'tcp-keepalive';

/** Longer than a socket of native code waits for its policy. */
const longMs = 2500;

async function listening() {
  const server = net.createServer().listen(0, '127.0.0.1');
  server.on('connection', (socket) => socket.on('error', () => {}));
  await once(server, 'listening');
  return { server, port: server.address().port };
}

const turnMs = 10;

/** How long this process ran until then: what a busy machine made it wait does not count. */
async function moment(isReached, withinMs = 10_000) {
  let runningMs = 0;
  while (!isReached()) {
    if (runningMs > withinMs) return null;
    const from = performance.now();
    await sleep(turnMs);
    runningMs += Math.min(performance.now() - from, 2 * turnMs);
  }
  return runningMs;
}

/** The package's own FFI is the same as that of this program, which is loaded here. */
const loadNative = () => import('./native-calls.mjs');

/** Runs code in a worker thread, which has `port`; it must print nothing. Gives what it posts. */
async function inWorker(code, workerData, options = {}) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    (async () => { ${code} })();
    parentPort.on('message', () => process.exit());`;
  const worker = new Worker(source, { eval: true, workerData, ...options });
  const [answer] = await once(worker, 'message');
  const end = async () => {
    worker.postMessage('end');
    await once(worker, 'exit');
  };
  return { answer, end, terminate: () => worker.terminate() };
}

const openInWorker = `
  const net = require('node:net');
  const { once } = require('node:events');
  const socket = net.connect(workerData.port, '127.0.0.1');
  await once(socket, 'connect');
  parentPort.postMessage(socket._handle.fd);`;

const scenarios = {
  async client() {
    const policy = applyToProcess('30:5:3');
    const { port } = await listening();
    const native = await loadNative();
    const fd = native.connectTo(port);
    const before = native.keepAliveOf(fd);
    const afterMs = await moment(() => native.keepAliveOf(fd) !== 'off');
    return { before, after: native.keepAliveOf(fd), afterMs, status: policy.status() };
  },

  async events() {
    const events = [];
    applyToProcess('30:5:3', { onApplied: ({ target, ...event }) => events.push({ ...event, hasTarget: !!target }) });
    const { port } = await listening();
    const native = await loadNative();
    const fd = native.connectTo(port);
    await moment(() => native.keepAliveOf(fd) !== 'off');
    return events.filter((event) => event.native);
  },

  async registered() {
    const { port } = await listening();
    const native = await loadNative();
    const fd = native.connectTo(port);
    await sleep(longMs);
    return native.keepAliveOf(fd);
  },

  async listener() {
    const policy = applyToProcess('30:5:3', { rules: [{ role: 'server', policy: '40:4:4' }] });
    const native = await loadNative();
    const listener = native.listenAnywhere();
    const early = [native.connectTo(listener.port), native.acceptOn(listener.fd)];
    await moment(() => native.keepAliveOf(listener.fd) !== 'off');
    const late = [native.connectTo(listener.port), native.acceptOn(listener.fd)];
    const inherited = native.keepAliveOf(late[1]);
    await sleep(longMs);
    const states = [listener.fd, ...early, ...late].map(native.keepAliveOf);
    return { inherited, states, status: policy.status() };
  },

  async rules() {
    const { port } = await listening();
    const policy = applyToProcess('30:5:3', {
      rules: [
        { role: 'client', remote: '127.0.0.0/8', port, policy: '50:5:5:400s' },
        { role: 'server', remote: '127.0.0.1', policy: 'unmanaged' },
      ],
    });
    const native = await loadNative();
    const client = native.connectTo(port);
    const listener = native.listenAnywhere();
    const ends = [native.connectTo(listener.port), native.acceptOn(listener.fd)];
    await sleep(longMs);
    return { states: [client, listener.fd, ...ends].map(native.keepAliveOf), skipped: policy.status().skipped };
  },

  async fill() {
    applyToProcess('30:5:3:50s', { mode: 'fill' });
    const { port } = await listening();
    const native = await loadNative();
    const [own, untouched] = [native.connectTo(port), native.connectTo(port)];
    native.set(own, native.SOL_SOCKET, native.SO_KEEPALIVE, 1);
    native.set(own, native.IPPROTO_TCP, native.TCP_KEEPIDLE, 77);
    native.set(own, native.IPPROTO_TCP, native.TCP_USER_TIMEOUT, 90_000);
    await sleep(longMs);
    return [own, untouched].map(native.keepAliveOf);
  },

  async overwritten() {
    applyToProcess('30:5:3');
    const { port } = await listening();
    const native = await loadNative();
    const fd = native.connectTo(port);
    await moment(() => native.keepAliveOf(fd) === '30:5:3');
    native.set(fd, native.IPPROTO_TCP, native.TCP_KEEPIDLE, 77);
    const overwritten = native.keepAliveOf(fd);
    await sleep(longMs);
    return { overwritten, after: native.keepAliveOf(fd) };
  },

  async unconnected() {
    applyToProcess('30:5:3');
    const { port } = await listening();
    const native = await loadNative();
    const fd = native.openSocket();
    await sleep(longMs);
    const before = native.keepAliveOf(fd);
    native.connectTo(port, fd);
    await sleep(longMs);
    return { before, after: native.keepAliveOf(fd) };
  },

  /** Sockets of Node.js that have another policy than all others, one from before the addon was loaded. */
  async nodes() {
    const { server, port } = await listening();
    const open = async (change) => {
      const socket = net.connect(port, '127.0.0.1');
      const [[accepted]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
      change?.(socket);
      return [socket, accepted];
    };
    const earliest = await open();
    const policy = applyToProcess('30:5:3');
    const early = await open((socket) => setKeepAlive(socket, false));
    const native = await loadNative();
    const late = await open((socket) => setKeepAlive(socket, '60:6:6'));
    const byDescriptor = new net.Socket({ fd: native.connectTo(port) });
    await sleep(longMs);
    const descriptors = [...earliest, ...early, ...late, byDescriptor].map((socket) => socket._handle.fd);
    return { states: descriptors.map(native.keepAliveOf), native: policy.status().native };
  },

  /** A number that stands for a socket of native code, of Node.js, and of native code again. */
  async reused() {
    const { port } = await listening();
    const other = await listening();
    applyToProcess('30:5:3', { rules: [{ role: 'client', port: other.port, policy: 'off' }] });
    const native = await loadNative();
    const first = native.connectTo(port);
    await sleep(longMs);
    const states = [native.keepAliveOf(first)];
    native.close(first);
    const socket = net.connect(other.port, '127.0.0.1');
    await once(socket, 'connect');
    const { fd } = socket._handle;
    await sleep(longMs);
    states.push(native.keepAliveOf(fd));
    socket.destroy();
    await once(socket, 'close');
    const last = native.connectTo(port);
    await sleep(longMs);
    states.push(native.keepAliveOf(last));
    return { numbers: new Set([first, fd, last]).size, states };
  },

  /** A worker thread has a policy of its own on what Node.js opens there. */
  async worker() {
    const policy = applyToProcess('30:5:3');
    const { port } = await listening();
    const native = await loadNative();
    const own = `const { applyToProcess } = await import('tcp-keepalive'); applyToProcess('77:7:7'); ${openInWorker}`;
    const plain = `const { applyToProcess } = await import('tcp-keepalive'); applyToProcess('unmanaged'); ${openInWorker}`;
    const workers = [await inWorker(own, { port }), await inWorker(plain, { port })];
    const fd = native.connectTo(port);
    const afterMs = await moment(() => native.keepAliveOf(fd) !== 'off');
    await sleep(longMs);
    const states = [...workers.map(({ answer }) => answer), fd].map(native.keepAliveOf);
    for (const { end } of workers) await end();
    return { states, afterMs, native: policy.status().native };
  },

  /** A worker thread is terminated, and its descriptor's number is native code's then. */
  async terminated() {
    applyToProcess('30:5:3');
    const { port } = await listening();
    const native = await loadNative();
    const own = `const { applyToProcess } = await import('tcp-keepalive'); applyToProcess('77:7:7'); ${openInWorker}`;
    const { answer, terminate } = await inWorker(own, { port });
    await sleep(longMs);
    const before = native.keepAliveOf(answer);
    await terminate();
    const fds = [];
    while (!fds.includes(answer) && fds.length < 100) fds.push(native.connectTo(port));
    await sleep(longMs);
    return { before, after: native.keepAliveOf(answer), isReused: fds.includes(answer) };
  },

  /** The addon is loaded in a worker thread only, which opens the socket. */
  async workersAddon() {
    const policy = applyToProcess('30:5:3');
    const { port } = await listening();
    const url = new URL('native-calls.mjs', import.meta.url).href;
    const code = `
      const { applyToProcess } = await import('tcp-keepalive');
      applyToProcess('77:7:7');
      const native = await import(workerData.url);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const fd = native.connectTo(workerData.port);
      const read = () => native.keepAliveOf(fd);
      while (read() === 'off') await new Promise((resolve) => setTimeout(resolve, 10));
      parentPort.postMessage(read());`;
    const { answer, end } = await inWorker(code, { port, url });
    await end();
    return { state: answer, native: policy.status().native };
  },

  /** A worker thread without a policy: its sockets can't be told from those of native code. */
  async stranger() {
    const warnings = [];
    process.on('warning', ({ message }) => warnings.push(message));
    applyToProcess('30:5:3');
    const { port } = await listening();
    const native = await loadNative();
    const { answer, end } = await inWorker(openInWorker, { port });
    await moment(() => warnings.length > 0);
    const during = native.keepAliveOf(answer);
    await end();
    const fd = native.connectTo(port);
    await sleep(longMs);
    return { during, after: native.keepAliveOf(fd), warnings };
  },
};

console.log(JSON.stringify((await scenarios[process.argv[2]]()) ?? null), '');
process.exit();
