import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type net from 'node:net';
import { networkInterfaces } from 'node:os';
import tls from 'node:tls';
import { type LoopbackPair, loopbackPair } from '../src/testing/index.js';
import { restoreReception, setReception } from '../src/testing/reception.js';
import { abort } from './endpoints.js';
import { fdOf, packetsDropped } from './kernel/descriptor.js';
import { infoOf, moment } from './kernel/observation.js';

/** Whether this machine has the address ::1. */
export const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

const certificates = new URL('./certificates/', import.meta.url);

/** Two TLS sockets over IPv4, connected to each other, with nothing left to say; `server` is the accepted end. */
async function tlsPair(): Promise<LoopbackPair> {
  const listener = tls.createServer({
    key: readFileSync(new URL('localhost.key.pem', certificates)),
    cert: readFileSync(new URL('localhost.cert.pem', certificates)),
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const [[server]] = (await Promise.all([once(listener, 'secureConnection'), once(client, 'secureConnect')])) as [
    [tls.TLSSocket],
    unknown,
  ];
  listener.close();
  for (const end of [client, server]) end.on('error', () => {});
  // A server may hold its session tickets back until it reads, and they would be in flight when the peer crashes.
  client.write('.');
  await once(server, 'data');
  server.pause();
  await moment(() => infoOf(client).unacked === 0 && infoOf(server).unacked === 0, 'the handshake is over');
  const close = () => {
    abort(client);
    abort(server);
  };
  return { client, server, close, [Symbol.dispose]: close };
}

export type Transport = 'IPv4' | 'IPv6' | 'TLS';

/** Two connected sockets of this process. */
export function connectedPair(transport: Transport): Promise<LoopbackPair> {
  if (transport === 'TLS') return tlsPair();
  return loopbackPair({ family: transport === 'IPv4' ? 4 : 6 });
}

/**
 * Makes `peer` come back without memory of the connection: its kernel forgets it, and the RST by which a kernel says
 * so to `survivor` is lost, as it never is sent by a machine that loses power.
 */
export async function rebootPeer(peer: net.Socket, survivor: net.Socket): Promise<void> {
  await moment(() => infoOf(peer).unacked === 0, 'everything sent is acknowledged');
  const fd = fdOf(survivor);
  const before = packetsDropped(fd);
  setReception(survivor, 'drop');
  abort(peer);
  await moment(() => packetsDropped(fd) > before, 'the RST is dropped');
  restoreReception(survivor);
}
