// Gives up root, finds the owners of a socket of its own and those of all sockets, and prints both as JSON.
import net from 'node:net';
import { findOwners } from '../../src/host/owners/owners.js';
import { fdOf } from '../kernel/descriptor.js';
import { openSocketInodes } from '../kernel/proc.js';

// Dropped here rather than before Node.js starts, because the project may lie where only root can read. Everything has
// been loaded once a search was made.
findOwners({ pids: [process.pid] });
process.setgroups?.([]);
process.setgid?.(65_534);
process.setuid?.(65_534);

const before = new Set(openSocketInodes());
const server = net.createServer().listen(0, '127.0.0.1', () => {
  const inode = openSocketInodes().find((other) => !before.has(other));
  const own = findOwners({ inodes: new Set([Number(inode)]) });
  const all = findOwners();
  process.stdout.write(
    JSON.stringify({
      fd: fdOf(server),
      own: { owners: own.byInode.get(Number(inode)), incomplete: own.incomplete },
      pid: process.pid,
      incomplete: all.incomplete,
    }),
  );
  server.close();
});
