import { once } from 'node:events';
import net from 'node:net';
import { watchPeers } from 'tcp-keepalive';
import { pairedRatio, type Spread, takeTurns } from './paired-rounds.js';

const roundTrips = 4000;
const rounds = 41;
const warmUps = 5;
const message = Buffer.alloc(16, '.');

/** How long a round trip takes, in microseconds: one after the other, between two sockets of this process. */
async function timeRoundTrips(client: net.Socket): Promise<number> {
  let left = roundTrips;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const send = () => {
      if (left === 0) {
        client.off('data', send);
        resolve();
        return;
      }
      left -= 1;
      client.write(message);
    };
    client.on('data', send);
    send();
  });
  return ((performance.now() - start) * 1000) / roundTrips;
}

/** What a watch costs a connection that is busy: round trips with it, as a multiple of those without. */
export async function measureBusy(): Promise<Spread> {
  const server = net.createServer({ noDelay: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(client, 'connect');
  const measured = await takeTurns(
    [
      { name: 'alone', round: () => timeRoundTrips(client) },
      {
        name: 'watched',
        async round() {
          using _watch = watchPeers({ sockets: [client], policy: '30:5:3' });
          return await timeRoundTrips(client);
        },
      },
    ],
    rounds,
    warmUps,
  );
  client.destroy();
  server.close();
  return pairedRatio(measured, 'watched', 'alone');
}
