/** Run as another user: tries to read and set a socket of that user's and one of its own. Prints what came of it. */
import { once } from 'node:events';
import net from 'node:net';
import { chooseOptionSource } from '../../src/host/options/choice.js';
import { getKeepAlive } from '../../src/index.js';
import { readBytesOption } from '../../src/native/socket/socket-options.js';
import { fdOf } from '../kernel/descriptor.js';

const [pid, fd, cookie] = process.argv.slice(2);
const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const own = readBytesOption(fdOf(server), { name: 'SO_COOKIE', level: 1, option: 57 }, 8);
const sockets = [
  { cookie: BigInt(cookie ?? 0), holders: [{ pid: Number(pid), fd: Number(fd) }] },
  { cookie: new DataView(own.buffer).getBigUint64(0, true), holders: [{ pid: process.pid, fd: fdOf(server) }] },
];
using chosen = chooseOptionSource();
const reading = chosen.source?.read(sockets);
const wanted = { idle: 30_000, interval: 5000, count: 3, userTimeout: undefined };
const outcomes = chosen.source?.write(sockets.map((socket) => ({ socket, wanted })));
console.log(
  JSON.stringify({
    method: chosen.source?.method,
    refused: chosen.refused,
    incomplete: reading?.incomplete,
    read: sockets.map((socket) => reading?.states.get(socket.cookie) !== undefined),
    errors: outcomes?.map(({ error }) => error ?? null),
    own: getKeepAlive(server),
  }),
);
server.close();
