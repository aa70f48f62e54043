import { once } from 'node:events';
import net from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { watchPeers } from '../../src/index.js';
import { type Handle, handleOf } from '../../src/node/handle.js';
import { subscribe, unsubscribe } from '../../src/node/subscribers.js';
import { closed, connected, listening, portOf } from '../endpoints.js';
import { program, start } from './registered.js';

it('a watch of all connections does not load TLS, and hears of TLS once the program loads it', async () => {
  const { code, stdout, stderr } = await start([program('tls-late.mjs')], { options: [] }).ended;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    before: { isTlsLoaded: false, size: 2, hasInit: true },
    after: { size: 2, has: [false, false, true, true], isAsDefined: true },
  });
});

it('an error of this package does not reach the program’s write, end, keepalive or close: it becomes one warning', async () => {
  const [client, server] = await connected(await listening(net.createServer()));
  using _watch = watchPeers({ sockets: [client] });
  const fail = () => {
    throw new Error('a fault of the watch');
  };
  const faulty = { wrote: fail, ending: fail, closing: fail, optionsSet: fail };
  const handle = handleOf(client) as Handle;
  subscribe(handle, faulty);
  onTestFinished(() => unsubscribe(handle, faulty));
  const warned = once(process, 'warning');
  const received = once(server, 'data');
  expect(client.write('x')).toBe(true);
  client.setKeepAlive(true, 5000);
  client.end('y');
  server.resume().end();
  await closed(client);
  expect(String((await received)[0])).toMatch(/^x/);
  expect((await warned)[0]).toMatchObject({ name: 'KeepAliveWarning', message: 'a fault of the watch' });
  expect(client.errored).toBeNull();
});

it('what a program opens is not harmed where the watch cannot watch it', async () => {
  const server = await listening(net.createServer());
  using watch = watchPeers({ all: true, policy: '30:5:3' });
  // A handle that answers no question of the watch.
  const broken = Object.defineProperty(new net.Socket(), 'pending', {
    get: () => {
      throw new Error('not to be asked');
    },
  });
  broken.on('error', () => {}).connect(portOf(server), '127.0.0.1');
  await once(broken, 'connect');
  broken.destroy();
  await closed(broken);
  expect(watch.has(broken)).toBe(false);
});
