/**
 * In a network namespace of its own: asks peers of many kinds of connections, as root from beside them, with the argument
 * `unprivileged` through their own kernel. Prints what came of it.
 */
import { once } from 'node:events';
import net from 'node:net';
import { checkPeers } from '../../src/host/check/check.js';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { getKeepAlive, type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';

export interface AskedKind {
  readonly answer: string | undefined;
  readonly asked: string | undefined;
  readonly why: string | undefined;
  readonly elapsedMs: number | undefined;
  readonly before: KeepAliveState;
  readonly after: KeepAliveState;
  readonly probes: number;
  readonly state: string;
}

/** A client with an IPv4-mapped address on an IPv6 socket. */
async function mappedPair(): Promise<LoopbackPair> {
  const listener = net.createServer({ allowHalfOpen: true });
  listener.listen(0, '::');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  const client = net.connect(port, '127.0.0.1');
  const [[server]] = (await Promise.all([once(listener, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  listener.close();
  const close = () => {
    client.destroy();
    server.destroy();
  };
  return { client, server, close, [Symbol.dispose]: close };
}

const nobody = 65_534;

const kinds: Record<string, () => Promise<LoopbackPair>> = {
  IPv4: () => loopbackPair(),
  IPv6: () => loopbackPair({ family: 6 }),
  mapped: mappedPair,
  'keepalive off': () => loopbackPair(),
  'count 1': () => loopbackPair(),
  'user timeout below idle': () => loopbackPair(),
  'CLOSE-WAIT': mappedPair,
  silent: () => loopbackPair(),
  'silent with probes to spare': () => loopbackPair(),
  'silent, idle 1 s': () => loopbackPair(),
  'silent IPv6': () => loopbackPair({ family: 6 }),
  'silent with data in flight': () => loopbackPair(),
};
const policies: Record<string, string> = {
  'count 1': '30:5:1',
  'user timeout below idle': '30:5:3:2',
  mapped: '60:7:4',
  'silent with probes to spare': '30:5:3',
  'silent, idle 1 s': '1:2:9',
};

const pairs = new Map<string, LoopbackPair>();
for (const [kind, make] of Object.entries(kinds)) {
  const pair = await make();
  for (const end of [pair.client, pair.server]) end.on('error', () => {});
  const policy = policies[kind];
  if (policy !== undefined) setKeepAlive(pair.server, policy);
  if (kind.startsWith('silent')) crashPeer(pair.client);
  if (kind.endsWith('in flight')) pair.server.write('lost');
  if (kind === 'CLOSE-WAIT') {
    pair.server.resume();
    pair.client.end();
  }
  pairs.set(kind, pair);
}
if (process.argv[2] === 'unprivileged') {
  dumpConnections(); // loads the FFI: the project may lie where only root can read
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
for (const { server } of pairs.values()) {
  await moment(() => Math.min(infoOf(server).lastAckReceivedMs, infoOf(server).lastDataReceivedMs) >= 1100, 'quiet');
}
const before = new Map(Array.from(pairs, ([kind, { server }]) => [kind, getKeepAlive(server)]));
const { peers } = await checkPeers({ selection: {} });
const result: Record<string, AskedKind> = {};
for (const [kind, { server }] of pairs) {
  const peer = peers.find(
    ({ row: { connection: c } }) => c.local.port === server.localPort && c.remote.port === server.remotePort,
  );
  result[kind] = {
    answer: peer?.answer,
    asked: peer?.asked,
    why: peer?.why,
    elapsedMs: peer?.elapsedMs,
    before: before.get(kind) as KeepAliveState,
    after: getKeepAlive(server),
    probes: infoOf(server).probes,
    state: infoOf(server).state,
  };
}
console.log(JSON.stringify(result));
process.exit();
