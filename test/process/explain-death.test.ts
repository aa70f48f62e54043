import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { explainDeath, setKeepAlive, watchPeers } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { closed, closing } from '../endpoints.js';

async function openPair() {
  const pair = await loopbackPair();
  for (const end of [pair.client, pair.server]) closing(end).resume();
  return pair;
}

describe('explainDeath without an error, as in a listener of close', () => {
  it('knows the error that the socket was destroyed with, and what a watch saw', async () => {
    const { client, server } = await openPair();
    using _watch = watchPeers({ sockets: [server], policy: '1:1:1' });
    crashPeer(client);
    await closed(server);
    expect(explainDeath(undefined, server)).toMatchObject({ reason: 'keepalive', unanswered: 1 });
  });

  it('does not guess why a connection timed out that nobody watched', async () => {
    const { client, server } = await openPair();
    setKeepAlive(server, '1:1:1');
    crashPeer(client);
    await closed(server);
    const { reason, text } = explainDeath(undefined, server);
    expect(reason).toBeUndefined();
    expect(text).toMatch(/^the peer left probes or data unanswered until the kernel gave up .*watchPeers would tell/);
  });

  it('tells a reset, the peer’s FIN and the program’s own end apart', async () => {
    const [reset, ended, destroyed, byError] = await Promise.all([openPair(), openPair(), openPair(), openPair()]);
    reset.client.resetAndDestroy();
    ended.client.end();
    destroyed.server.destroy();
    byError.server.destroy(new Error('enough'));
    await Promise.all([reset, ended, destroyed, byError].map(({ server }) => server.closed || closed(server)));
    expect(explainDeath(undefined, reset.server)).toMatchObject({ reason: 'reset' });
    expect(explainDeath(undefined, ended.server)).toMatchObject({ reason: 'closed' });
    const own = { reason: undefined, text: 'the program itself ended the connection' };
    expect(explainDeath(undefined, destroyed.server)).toMatchObject(own);
    expect(explainDeath(undefined, byError.server)).toMatchObject({
      reason: undefined,
      text: expect.stringMatching(/ended with: enough$/),
    });
  });

  it('knows from a watch which side ended first', async () => {
    const [first, second] = await Promise.all([openPair(), openPair()]);
    using _watch = watchPeers({ sockets: [first.server, second.server] });
    first.server.end();
    second.client.end();
    await Promise.all([first, second].map(({ server }) => closed(server)));
    expect(explainDeath(undefined, first.server)).toMatchObject({
      reason: undefined,
      text: expect.stringMatching(/program itself/),
    });
    expect(explainDeath(undefined, second.server)).toMatchObject({ reason: 'closed' });
  });

  it('says of a connection that is open that it is, and of one that is none yet', async () => {
    const { server } = await openPair();
    expect(explainDeath(undefined, server)).toMatchObject({
      reason: undefined,
      text: expect.stringMatching(/^the connection is open/),
    });
    expect(explainDeath(null, new net.Socket())).toMatchObject({ text: 'the socket is not connected' });
    expect(explainDeath(undefined)).toMatchObject({ text: 'neither an error nor a socket was given' });
  });
});

describe('explainDeath without a socket', () => {
  it('knows an error that a watch saw, also where another error has it as its cause', async () => {
    const { client, server } = await openPair();
    using _watch = watchPeers({ sockets: [server], policy: '1:1:2' });
    crashPeer(client);
    const [error] = await once(server, 'error');
    const wrapped = new Error('query failed', { cause: new Error('connection lost', { cause: error }) });
    for (const each of [error, wrapped]) {
      expect(explainDeath(each)).toMatchObject({ reason: 'keepalive', unanswered: 2 });
    }
  });

  it('knows the error of a watch', async () => {
    const { client, server } = await openPair();
    using _watch = watchPeers({ sockets: [server], policy: '5:5:2', deadAfter: '1s', destroy: true });
    crashPeer(client);
    server.write('.');
    const [error] = await once(server, 'error');
    expect(explainDeath(error)).toMatchObject({ reason: 'unanswered', unanswered: error.unanswered });
  });

  it('takes ECONNABORTED for what was done on this machine', () => {
    const error = Object.assign(new Error('read ECONNABORTED'), { code: 'ECONNABORTED', syscall: 'read' });
    expect(explainDeath(error)).toMatchObject({ reason: 'aborted', text: expect.stringMatching(/ss -K/) });
  });
});

describe('explainDeath', () => {
  it.each([{}, 'socket', 7, net.createServer(), new Map()])('refuses what is no socket, %#', (thing) => {
    const error = new Error('any');
    expect(() => explainDeath(error, thing as unknown as net.Socket)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });

  it('takes the kernel’s error over one that a library made up of the end', async () => {
    const { client, server } = await openPair();
    using _watch = watchPeers({ sockets: [server], policy: '1:1:1' });
    crashPeer(client);
    await closed(server);
    const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    expect(explainDeath(hangUp, server)).toMatchObject({ reason: 'keepalive' });
  });
});

describe('explainDeath of a socket that connects again', () => {
  it('does not tell how its earlier connection ended', async () => {
    const server = net.createServer((socket) => closing(socket).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const accepted = once(server, 'connection');
    const client = closing(net.connect(port, '127.0.0.1')).resume();
    const [peer] = (await accepted) as [net.Socket];
    const watch = watchPeers({ sockets: [client], policy: '1:1:1' });
    crashPeer(peer);
    await closed(client);
    expect(explainDeath(undefined, client).reason).toBe('keepalive');
    watch.close();

    client.connect(port, '127.0.0.1');
    expect(explainDeath(undefined, client)).toMatchObject({ reason: undefined, text: 'the socket is not connected' });
    await once(client, 'connect');
    expect(explainDeath(undefined, client).text).toBe('the connection is open, as far as the program has heard');
    client.destroy();
    await closed(client);
    const story = { reason: undefined, unanswered: undefined, text: 'the program itself ended the connection' };
    expect(explainDeath(undefined, client)).toMatchObject(story);
    server.close();
  });
});
