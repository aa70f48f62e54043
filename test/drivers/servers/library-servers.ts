import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { portOf } from '../../endpoints.js';
import { listen, type TestServer } from './node-servers.js';

/** The libraries are installed in a folder of their own, and have no types here. */
export const library = createRequire(new URL('../programs/libraries/', import.meta.url));

/** A server of socket.io that acknowledges each message, and whose own pings come too late to find a dead client. */
export async function startSocketIo(): Promise<TestServer> {
  const { Server } = library('socket.io');
  const httpServer = http.createServer({ keepAliveTimeout: 600_000 });
  const io = new Server(httpServer, { pingInterval: 600_000, pingTimeout: 600_000, upgradeTimeout: 60_000 });
  io.on('connection', (socket: { on(event: string, listener: (acknowledge: () => void) => void): void }) =>
    socket.on('ping', (acknowledge) => acknowledge()),
  );
  const server = await listen(httpServer);
  const stop = async () => {
    await io.close();
    await server.stop();
  };
  return { ...server, stop };
}

/** An SSH server that lets everybody in, and whose commands all succeed at once. */
export async function startSsh(): Promise<TestServer> {
  const { Server, utils } = library('ssh2');
  const hostKeys = [utils.generateKeyPairSync('ed25519').private];
  const server = new Server({ hostKeys, ident: 'tests' });
  // biome-ignore lint/suspicious/noExplicitAny: the package has no types here
  server.on('connection', (client: any) => {
    client.on('error', () => {});
    client.on('authentication', (attempt: { accept(): void }) => attempt.accept());
    client.on('session', (accept: () => net.Socket) => {
      accept().on('exec', (acceptCommand) => {
        const channel = acceptCommand();
        channel.exit(0);
        channel.end();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: portOf(server), stop: async () => server.close() };
}

/** Takes mail as far as a client needs it to (RFC 5321). */
export function startSmtp(): Promise<TestServer> {
  const server = net.createServer((socket) => {
    let isMessage = false;
    let unread = '';
    socket.write('220 tests\r\n');
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (unread + text).split('\r\n');
      unread = lines.pop() ?? '';
      for (const line of lines) {
        if (isMessage && line !== '.') continue;
        isMessage = line === 'DATA';
        socket.write(isMessage ? '354 go on\r\n' : '250 ok\r\n');
      }
    });
  });
  return listen(server);
}
