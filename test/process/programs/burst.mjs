// Opens many connections to a listener of its own process at once, or one small batch after the other, and prints what is
// left of them: `burst.mjs at-once 10000` and `burst.mjs in-turn 100000`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = '127.0.0.1';
const [how, number] = process.argv.slice(2);
const total = Number(number);
const thrown = [];
const errors = new Set();
process.on('uncaughtException', ({ message }) => thrown.push(message));
process.on('warning', ({ message }) => thrown.push(message));

const descriptors = () => readdirSync('/proc/self/fd').length;
const closed = (emitter) => new Promise((resolve) => emitter.once('close', resolve));
const listenersOf = (socket) => socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0);

/** What a client does with its socket; resets leave nothing in TIME_WAIT. */
const fates = [
  (socket) => socket.destroy(),
  (socket) => socket.once('connect', () => socket.resetAndDestroy()),
  (socket) => {
    socket.setKeepAlive(true, 60_000).once('connect', () => socket.setKeepAlive(true, 1000).resetAndDestroy());
    socket.once('close', () => socket.setKeepAlive(true, 2000));
  },
  (socket) => socket.once('ready', () => socket.setKeepAlive(false).write('x', () => socket.resetAndDestroy())),
];

function client(port, fate) {
  const socket = net.connect(port, here);
  socket.on('error', ({ code }) => errors.add(code));
  fate(socket);
  return socket;
}

/** Serves in a process of its own, because one process has not descriptors enough for both ends of a burst. */
async function serve() {
  const before = descriptors();
  const open = new Set();
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted += 1;
    open.add(socket.on('error', () => {}).resume());
    socket.once('close', () => open.delete(socket));
  });
  server.listen({ port: 0, host: here, backlog: 4096 });
  await once(server, 'listening');
  process.send(server.address().port);
  await once(process, 'message');
  server.close();
  while (open.size > 0) await delay(10);
  process.send({ thrown, isAccepted: accepted > 0, descriptors: descriptors() - before });
  process.disconnect();
}

async function atOnce() {
  const server = fork(fileURLToPath(import.meta.url), ['serve']);
  const [port] = await once(server, 'message');
  await closed(client(port, fates[1]));
  const before = descriptors();
  const sockets = Array.from({ length: total }, (_, index) => client(port, fates[index % fates.length]));
  await Promise.all(sockets.map(closed));
  server.send('done');
  const [served] = await once(server, 'message');
  await closed(server);
  // The channel to the server was one of them.
  const left = descriptors() - before + 1;
  return { thrown, errors: [...errors], descriptors: left, listeners: [...new Set(sockets.map(listenersOf))], served };
}

async function inTurn() {
  const accepted = new Set();
  const server = net.createServer((socket) => {
    accepted.add(socket.on('error', () => {}).resume());
    socket.once('close', () => accepted.delete(socket));
  });
  server.listen({ port: 0, host: here, backlog: 4096 });
  await once(server, 'listening');
  const { port } = server.address();
  const [batch, every] = [500, total / 10];
  const heaps = [];
  const open = [];
  for (let done = 0; done < total; ) {
    await Promise.all(Array.from({ length: batch }, (_, index) => closed(client(port, fates[1 + (index % 3)]))));
    done += batch;
    if (done % every !== 0) continue;
    // The last of them are closed at the server's end too.
    while (accepted.size > 0) await delay(10);
    globalThis.gc();
    globalThis.gc();
    heaps.push(process.memoryUsage().heapUsed);
    open.push(descriptors());
  }
  return { thrown, errors: [...errors], heaps, open };
}

const run = { serve, 'at-once': atOnce, 'in-turn': inTurn }[how];
const seen = await run();
if (seen) process.stdout.write(JSON.stringify(seen), () => process.exit());
