/**
 * In a network namespace of its own: asks peers again and again, by two at once, while they are away for 3 s, with every
 * combination of count and user timeout; with the argument `unprivileged` without root. Prints who did not survive.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkPeers } from '../../src/host/check/check.js';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { parseSelection } from '../../src/host/selection/selection.js';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';

export interface Outage {
  readonly asked: Record<string, number>;
  readonly dead: string[];
  readonly changed: string[];
}

const nobody = 65_534;
const policies = [1, 2, 3].flatMap((count) =>
  ['', ':2', ':6', ':20'].map((userTimeout) => `6:1:${count}${userTimeout}`),
);
const connections = await Promise.all(
  policies.map(async (policy) => {
    const { client, server } = await loopbackPair();
    for (const end of [client, server]) end.on('error', () => {});
    setKeepAlive(server, policy);
    return { client, server, policy };
  }),
);
dumpConnections(); // loads the FFI: the project may lie where only root can read
if (process.argv[2] === 'unprivileged') {
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
const before = connections.map(({ server }) => getKeepAlive(server));
await moment(() => connections.every(({ server }) => infoOf(server).lastAckReceivedMs >= 1050), 'quiet');
const selection = parseSelection({ port: connections.map(({ server }) => `local:${server.localPort}`) });
const crashed = connections.map(({ client }) => crashPeer(client));
const asked: Record<string, number> = {};
async function ask(delayMs: number): Promise<void> {
  await sleep(delayMs);
  for (let round = 0; round < 3; round += 1) {
    const { peers } = await checkPeers({ selection }, { timeout: 700 });
    for (const { answer } of peers) asked[answer] = (asked[answer] ?? 0) + 1;
  }
}
const asking = Promise.all([ask(0), ask(230)]);
await sleep(3000);
for (const peer of crashed) peer.revive();
await asking;
await sleep(9000);
const isDead = connections.map(({ server }) => server.destroyed || infoOf(server).state !== 'ESTABLISHED');
const result: Outage = {
  asked,
  dead: policies.filter((_, index) => isDead[index]),
  changed: policies.filter((_, index) => {
    const socket = connections[index]?.server;
    return (
      socket !== undefined && !isDead[index] && JSON.stringify(getKeepAlive(socket)) !== JSON.stringify(before[index])
    );
  }),
};
console.log(JSON.stringify(result));
process.exit();
