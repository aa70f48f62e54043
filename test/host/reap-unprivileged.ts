/** Gives up root, asks silent peers and has their connections closed without CAP_NET_ADMIN. Prints what came of each. */
import { checkPeers } from '../../src/host/check/check.js';
import { reapPeers } from '../../src/host/check/reap.js';
import { parseSelection } from '../../src/host/selection/selection.js';
import { getKeepAlive, type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { endOf, infoOf, moment } from '../kernel/observation.js';

export interface Reaping {
  readonly answers: string[];
  /** What became of the connections: of a dead peer, and with data in flight. */
  readonly dead: { outcome: string; end: string | undefined };
  readonly inFlight: { outcome: string; error: string; before: KeepAliveState; after: KeepAliveState };
  readonly other: { before: KeepAliveState; after: KeepAliveState };
}

const nobody = 65_534;

using dead = await loopbackPair();
using inFlight = await loopbackPair();
using other = await loopbackPair();
getKeepAlive(dead.server);
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
setKeepAlive(dead.server, '600:60:9');
setKeepAlive(inFlight.server, '600:60:5:2h');
const pairs = [dead, inFlight];
for (const { client } of [...pairs, other]) crashPeer(client);
const before = [...pairs, other].map(({ server }) => getKeepAlive(server));
const port = (pair: typeof dead) => pair.server.localPort as number;
const ports = pairs.map(port);
inFlight.server.write('lost');
// From here on the next retransmission is further away than what is waited for.
await moment(() => infoOf(inFlight.server).backoff >= 5, 'retransmissions');

const end = endOf(dead.server);
const selection = parseSelection({ pid: `${process.pid}`, port: ports.map((local) => `local:${local}`) });
const { peers } = await checkPeers({ selection }, { timeout: 600 });
const reaped = await reapPeers(peers.filter(({ answer }) => answer === 'silent'));
const resultOf = (index: number) => {
  const { outcome, error } = reaped.find(({ row }) => row.connection.local.port === ports[index]) ?? {};
  return { outcome: outcome ?? 'not reaped', error: error ?? '' };
};
const states = (index: number, pair: typeof dead) => ({
  before: before[index] as KeepAliveState,
  after: getKeepAlive(pair.server),
});
const result: Reaping = {
  answers: peers.map(({ answer }) => answer),
  dead: { ...resultOf(0), end: (await end).code },
  inFlight: { ...resultOf(1), ...states(1, inFlight) },
  other: states(2, other),
};
console.log(JSON.stringify(result));
