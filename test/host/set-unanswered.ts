/**
 * Sets policies on connections whose peers are back after they left probes unanswered; with the argument `unprivileged`
 * without asking them first. Prints what the connections have then, and whether they live.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setConnections } from '../../src/host/change/set.js';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { listConnections } from '../../src/host/list/list.js';
import { parseSelection } from '../../src/host/selection/selection.js';
import { type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';

export interface SetUnanswered {
  readonly policy: string;
  /** What `ls` shows before, and the kernel's own number. */
  readonly listed: number | undefined;
  readonly probes: number;
  readonly changed: { readonly after: KeepAliveState; readonly unanswered: number | undefined } | undefined;
  readonly error: string | undefined;
  readonly isAlive: boolean;
}

const nobody = 65_534;
/** What the connections have before, and what they are given. */
const cases = [
  ['off', { idle: '2s', interval: '1s', count: 3 }],
  ['600:60:9', { idle: '2s', interval: '1s', count: 3 }],
  ['600:60:9', { idle: '2s', interval: '1s', count: 1 }],
  ['600:60:9', { idle: '2s', interval: '1s', count: 3, userTimeout: 'auto' }],
] as const;

const connections = await Promise.all(
  cases.map(async ([own, policy]) => {
    const { client, server } = await loopbackPair();
    for (const end of [client, server]) end.on('error', () => {});
    setKeepAlive(server, '1:1:127');
    const crashed = crashPeer(client);
    await moment(() => infoOf(server).probes >= 3, 'unanswered probes');
    setKeepAlive(server, own === 'off' ? false : own);
    crashed.revive();
    return { server, policy };
  }),
);
dumpConnections(); // loads the FFI: the project may lie where only root can read
if (process.argv[2] === 'unprivileged') {
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
const results = connections.map(({ server, policy }): SetUnanswered => {
  const selection = parseSelection({ pid: `${process.pid}`, port: `local:${server.localPort}` });
  const { probes } = infoOf(server);
  const listed = listConnections({ selection }).rows[0]?.connection.unanswered;
  const { changed, failed } = setConnections({ selection }, policy);
  const [change] = changed;
  return {
    policy: JSON.stringify(policy),
    listed,
    probes,
    changed: change && { after: change.after, unanswered: change.unanswered },
    error: failed[0]?.error,
    isAlive: true,
  };
});
await sleep(6000);
const isAlive = connections.map(({ server }) => !server.destroyed && infoOf(server).state === 'ESTABLISHED');
console.log(JSON.stringify(results.map((result, index) => ({ ...result, isAlive: isAlive[index] }))));
process.exit();
