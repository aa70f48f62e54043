/**
 * Run in a network namespace of its own whose default of idle is more than a socket can be given: gives up root and asks
 * two peers.
 */
import { readlinkSync, writeFileSync } from 'node:fs';
import { checkPeers } from '../../src/host/check/check.js';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { getKeepAlive, type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';

export interface BeyondLimits {
  readonly answers: { readonly port: number; readonly answer: string; readonly why: string | undefined }[];
  readonly before: KeepAliveState[];
  readonly after: KeepAliveState[];
  readonly ownPort: number;
}

const nobody = 65_534;

if (readlinkSync('/proc/self/ns/net') === process.argv[2]) throw new Error('not in a namespace of its own');
writeFileSync('/proc/sys/net/ipv4/tcp_keepalive_time', '86400');
using following = await loopbackPair();
using own = await loopbackPair();
setKeepAlive(following.server, {});
setKeepAlive(own.server, '30:5:3');
const sockets = [following.server, following.client, own.server, own.client];
for (const socket of sockets) await moment(() => infoOf(socket).lastAckReceivedMs >= 1000, 'quiet');
// Loads the FFI: the project may lie where only root can read.
dumpConnections();
process.setgroups?.([]);
process.setgid?.(nobody);
process.setuid?.(nobody);
const before = sockets.map(getKeepAlive);
const { peers } = await checkPeers({});
const result: BeyondLimits = {
  answers: peers.map(({ row, answer, why }) => ({ port: row.connection.local.port, answer, why })),
  before,
  after: sockets.map(getKeepAlive),
  ownPort: own.server.localPort as number,
};
console.log(JSON.stringify(result));
