/** In mount and network namespaces of its own: names a network namespace, and prints what is found. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { networkNamespaces } from '../../src/host/namespaces/network-namespaces.js';

export interface NamedNamespaceResult {
  readonly found: ReturnType<typeof networkNamespaces>;
  /** What stat says is the namespace's inode. */
  readonly inode: number;
  readonly dumped: readonly number[];
}

const sh = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });

// Covers /run in this mount namespace alone, so that nothing is left of it, whatever becomes of this process.
sh('mount -t tmpfs tmpfs /run && ip netns add probe && ip link set lo up');
mkdirSync('/run/docker/netns', { recursive: true });
sh('touch /run/docker/netns/box && mount --bind /run/netns/probe /run/docker/netns/box');
writeFileSync('/run/netns/stale', '');
const inode = Number(sh('stat --dereference --format %i /run/netns/probe'));
const dumped = dumpConnections({ states: ['LISTEN'], netns: '/run/netns/probe' });
console.log(
  JSON.stringify({ found: networkNamespaces(), inode, dumped: dumped.connections.map(({ netns }) => netns) }),
);
