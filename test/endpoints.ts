import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tty from 'node:tty';
import { onTestFinished, TestRunner } from 'vitest';
import { descriptorOf } from '../src/node/handle.js';
import { setLinger } from './kernel/descriptor.js';

const certificate = (part: string) =>
  readFileSync(new URL(`./certificates/localhost.${part}.pem`, import.meta.url), 'utf8');

export const serverTls = { key: certificate('key'), cert: certificate('cert') };
export const clientTls = { ca: serverTls.cert, servername: 'localhost' };

export const portOf = (server: net.Server): number => (server.address() as net.AddressInfo).port;

/** Waits for 'close', also after an error. */
export function closed(emitter: { once(event: 'close', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => emitter.once('close', () => resolve()));
}

/**
 * Closes a connection with an RST: where an end has crashed, a FIN would never be acknowledged, and the kernel would go
 * on for minutes with a connection to a port that it may meanwhile give to another test's listener.
 */
export function abort(socket: net.Socket): void {
  const fd = socket.destroyed || socket instanceof tty.ReadStream ? undefined : descriptorOf(socket);
  if (fd !== undefined) setLinger(fd, 0);
  socket.destroy();
}

/** Closes what a test has opened, also when it fails. */
export function closing<T extends net.Socket | net.Server>(endpoint: T): T {
  // Vitest would take the end of the test that began last for the end of this one.
  if (TestRunner.getCurrentTest()?.concurrent) throw new Error('closing() cannot serve concurrent tests');
  endpoint.on('error', () => {});
  if (endpoint instanceof net.Server) {
    const accepted = new Set<net.Socket>();
    endpoint.on('connection', (socket: net.Socket) => accepted.add(socket.on('error', () => {})));
    onTestFinished(() => {
      endpoint.close();
      for (const socket of accepted) abort(socket);
    });
  } else {
    onTestFinished(() => abort(endpoint));
  }
  return endpoint;
}

export async function listening<T extends net.Server>(server: T, host = '127.0.0.1'): Promise<T> {
  closing(server).listen(0, host);
  await once(server, 'listening');
  return server;
}

export async function accepted(server: net.Server, event = 'connection'): Promise<net.Socket> {
  const [socket] = (await once(server, event)) as [net.Socket];
  return socket;
}

/** A client and the socket that the server accepted for it. */
export async function connected(server: net.Server, host = '127.0.0.1'): Promise<[net.Socket, net.Socket]> {
  const client = closing(net.connect(portOf(server), host));
  const [socket] = await Promise.all([accepted(server), once(client, 'connect')]);
  return [client, socket];
}
