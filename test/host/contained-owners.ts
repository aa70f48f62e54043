// Finds the owners of a socket of its own, in whatever PID namespace it is run in, and prints them as JSON.
import net from 'node:net';
import { findOwners, ownersByIterator } from '../../src/host/owners/owners.js';
import { openSocketInodes } from '../kernel/proc.js';

const before = new Set(openSocketInodes());
const server = net.createServer().listen(0, '127.0.0.1', () => {
  const inode = Number(openSocketInodes().find((other) => !before.has(other)));
  const { byInode } = findOwners({ inodes: new Set([inode]) });
  const iterated = ownersByIterator({}) !== undefined;
  process.stdout.write(JSON.stringify({ pid: process.pid, iterated, owners: byInode.get(inode) }));
  server.close();
});
