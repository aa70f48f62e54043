import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { detectionTime, setKeepAlive } from '../../src/index.js';
import { crashPeer } from '../../src/testing/index.js';
import { abort } from '../endpoints.js';
import { fdOf } from '../kernel/descriptor.js';
import { expectElapsed } from '../kernel/expectation.js';
import { type End, endOf, lastHeard, lastSignOfLife } from '../kernel/observation.js';
import { endsOf, findKernelRow, kernelRow, openSocketInodes } from '../kernel/proc.js';

const connections = 20;

function countConnections(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** A server with a number of clients, each of which has said its last word. */
async function serverWithClients(policy: string | false) {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  setKeepAlive(server, policy);
  const { port } = server.address() as net.AddressInfo;
  const pairs: { client: net.Socket; accepted: net.Socket; end: Promise<End> }[] = [];
  for (let number = 0; number < connections; number += 1) {
    const client = net.connect(port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    client.on('error', () => {});
    pairs.push({ client, accepted, end: endOf(accepted) });
  }
  const close = () => {
    for (const { client, accepted } of pairs) {
      abort(client);
      abort(accepted);
    }
    server.close();
  };
  return { server, pairs, [Symbol.dispose]: close };
}

describe("article 5: the dead connection's resources are freed on the server", () => {
  it("the socket, its descriptor, the server's count and the kernel's memory of it", async () => {
    const socketsBefore = openSocketInodes().length;
    using stage = await serverWithClients('1:1:2');
    const { server, pairs } = stage;
    expect(await countConnections(server)).toBe(connections);
    expect(openSocketInodes()).toHaveLength(socketsBefore + 1 + 2 * connections);
    const rows = pairs.map(({ accepted }) => ({ ends: endsOf(accepted), inode: kernelRow(accepted).inode }));
    for (const { inode } of rows) expect(openSocketInodes()).toContain(inode);

    await Promise.all(pairs.map(({ client, accepted }) => lastSignOfLife(client, accepted)));
    for (const { client } of pairs) crashPeer(client);
    const heard = pairs.map(({ accepted }) => lastHeard(fdOf(accepted)));
    const ends = await Promise.all(pairs.map(({ end }) => end));

    ends.forEach(({ at, code }, index) => {
      expect(code).toBe('ETIMEDOUT');
      expectElapsed(heard[index] as (typeof heard)[0], at, detectionTime('1:1:2'));
    });
    expect(await countConnections(server)).toBe(0);
    for (const { accepted } of pairs) expect(accepted.destroyed).toBe(true);
    const left = openSocketInodes();
    expect(left).toHaveLength(socketsBefore + 1 + connections);
    for (const { ends, inode } of rows) {
      expect(left).not.toContain(inode);
      expect(findKernelRow(ends)).toBeUndefined();
    }
  });

  it('and held on to without keepalive, in the same time', async () => {
    using stage = await serverWithClients(false);
    const { server, pairs } = stage;
    const rows = pairs.map(({ accepted }) => ({ ends: endsOf(accepted), inode: kernelRow(accepted).inode }));
    for (const { client, accepted } of pairs) {
      await lastSignOfLife(client, accepted);
      crashPeer(client);
    }
    const ended = await Promise.race([
      ...pairs.map(({ end }) => end.then(() => 'ended')),
      new Promise((resolve) => setTimeout(resolve, detectionTime('1:1:2').latestMs + 250, 'still there')),
    ]);
    expect(ended).toBe('still there');
    expect(await countConnections(server)).toBe(connections);
    for (const { ends, inode } of rows) {
      expect(findKernelRow(ends)).toMatchObject({ state: '01', timer: 'none', inode });
      expect(openSocketInodes()).toContain(inode);
    }
  });
});
