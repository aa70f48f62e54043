/** In a network namespace of its own: sockets in every state and with every timer, listed by us and by `ss`. */
import { once } from 'node:events';
import net from 'node:net';
import { listConnections } from '../../src/host/list/list.js';
import { type ConnectionJson, toJson } from '../../src/host/list/row.js';
import { setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { fdOf, rawListener, setOption } from '../kernel/descriptor.js';
import { infoOf, moment } from '../kernel/observation.js';
import { type OwnListing, ownListing } from './own-listing.js';
import { type SsRow, ssRows } from './ss.js';

export interface ParityRound {
  /** What our code lists right before and after `ss`, without the time that starting a program takes. */
  readonly before: readonly ConnectionJson[];
  readonly ss: readonly Pick<SsRow, 'state' | 'local' | 'remote' | 'timer'>[];
  readonly after: readonly ConnectionJson[];
  /** What `tcp-keepalive ls` prints next. */
  readonly printed: OwnListing;
}

/** Retransmissions are ever farther apart; all listings of a round have to happen in between. */
const apartMs = 3000;

const TCP_DEFER_ACCEPT = 9;
const IPPROTO_TCP = 6;

async function listen(options: net.ListenOptions): Promise<net.Server> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    socket.on('error', () => {}),
  );
  server.listen({ port: 0, ...options });
  await once(server, 'listening');
  return server;
}

async function connect(server: net.Server, host: string): Promise<[net.Socket, net.Socket]> {
  const { port } = server.address() as net.AddressInfo;
  const client = net.connect({ port, host, allowHalfOpen: true }).on('error', () => {});
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  return [client, socket];
}

/** Sockets with a keepalive timer, whose clock `ss` shows in milliseconds, in seconds and in minutes. */
async function keepAlives(): Promise<void> {
  for (const policy of ['9:3:5', '90:3:5', '2400:3:5']) {
    setKeepAlive((await loopbackPair()).client, policy);
    setKeepAlive((await loopbackPair({ family: 6 })).server, policy);
  }
  const unanswered = await loopbackPair();
  setKeepAlive(unanswered.server, '1:60:60');
  crashPeer(unanswered.client);
  await moment(() => infoOf(unanswered.server).probes > 0, 'a probe is unanswered');
}

async function retransmission(): Promise<void> {
  const { client, server } = await loopbackPair();
  crashPeer(client);
  server.write('lost');
  await moment(() => infoOf(server).rtoMs >= apartMs, 'retransmissions are seconds apart');
}

async function persist(): Promise<void> {
  const { client, server } = await loopbackPair();
  server.pause();
  client.write(Buffer.alloc(32 << 20));
  await moment(() => infoOf(client).backoff >= 4, 'window probes are seconds apart');
}

async function halfClosed(server: net.Server): Promise<void> {
  const [client, socket] = await connect(server, '127.0.0.1');
  socket.resume();
  client.end();
  await once(socket, 'end');
}

async function timeWait(server: net.Server, host: string): Promise<void> {
  const [client, socket] = await connect(server, host);
  client.resume().end();
  socket.resume().end();
  await Promise.all([once(client, 'close'), once(socket, 'close')]);
}

/** A connection that its listener has not taken in before it says something, and one for which a queue has no room. */
async function unfinished(): Promise<void> {
  const deferring = await listen({ host: '127.0.0.1' });
  setOption(fdOf(deferring), IPPROTO_TCP, TCP_DEFER_ACCEPT, 60);
  const { port } = deferring.address() as net.AddressInfo;
  await once(
    net.connect(port, '127.0.0.1').on('error', () => {}),
    'connect',
  );
  const full = rawListener(0);
  await once(
    net.connect(full.port, '127.0.0.1').on('error', () => {}),
    'connect',
  );
  const waiting = net.connect(full.port, '127.0.0.1').on('error', () => {});
  // It has no descriptor before it begins.
  await new Promise(setImmediate);
  await moment(() => infoOf(waiting).rtoMs >= apartMs, 'requests for a connection are seconds apart');
}

const listed = () => listConnections({ allStates: true, options: false }).rows.map(toJson);

async function round(): Promise<ParityRound> {
  const before = listed();
  const ss = [...ssRows().values()].map(({ state, local, remote, timer }) => ({ state, local, remote, timer }));
  return { before, ss, after: listed(), printed: await ownListing() };
}

const dual = await listen({ host: '::' });
await listen({ host: '::1', ipv6Only: true });
const plain = await listen({ host: '127.0.0.1' });
await connect(dual, '127.0.0.1');
await connect(dual, '::1');
await halfClosed(plain);
await timeWait(plain, '127.0.0.1');
await timeWait(dual, '127.0.0.1');
await Promise.all([unfinished(), keepAlives(), retransmission(), persist()]);
// A timer that fires between two listings cannot be compared; the next one is later each time.
const rounds = [await round(), await round(), await round()];
process.stdout.write(JSON.stringify(rounds), () => process.exit());
