/** Gives up its privileges and reads a socket of its own 2,000 times over. Prints why looking at all sockets is refused. */
import { once } from 'node:events';
import net from 'node:net';
import { DescriptorCopies } from '../../src/host/options/descriptor-copies.js';
import { readOpenFiles } from '../../src/host/owners/open-files.js';
import { readBytesOption } from '../../src/native/socket/socket-options.js';
import { fdOf } from '../kernel/descriptor.js';

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const fd = fdOf(server);
const bytes = readBytesOption(fd, { name: 'SO_COOKIE', level: 1, option: 57 }, 8);
const cookie = new DataView(bytes.buffer).getBigUint64(0, true);
if (process.getuid?.() === 0) process.setuid?.(65534);
let error = '';
try {
  readOpenFiles().options();
} catch (caught) {
  error = (caught as Error).message;
}
const reference = { cookie, holders: [{ pid: process.pid, fd }] };
const { states } = new DescriptorCopies().read(Array.from({ length: 2000 }, () => reference));
console.log(JSON.stringify({ error, states: states.size }));
server.close();
