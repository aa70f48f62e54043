import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { getKeepAlive } from '../../src/index.js';
import { type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { endOf, infoOf } from '../kernel/observation.js';
import { hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';

const families = [
  { family: 4, address: '127.0.0.1', name: 'IPv4' },
  { family: 6, address: '::1', name: 'IPv6' },
] as const;

const withoutIPv6 = cannotRun(!hasIPv6, 'this machine has no address ::1');

async function expectTalk(from: net.Socket, to: net.Socket): Promise<void> {
  from.write('hello');
  expect(String((await once(to, 'data'))[0])).toBe('hello');
}

describe('loopbackPair', () => {
  for (const { family, address, name } of families) {
    describe.skipIf(family === 6 && withoutIPv6)(name, () => {
      it('connects two sockets to each other', async () => {
        using pair = await loopbackPair({ family });
        const { client, server } = pair;
        expect(client.remoteAddress).toBe(address);
        expect(server.remoteAddress).toBe(address);
        expect([client.localPort, client.remotePort]).toEqual([server.remotePort, server.localPort]);
        expect(infoOf(client).state).toBe('ESTABLISHED');
        await expectTalk(client, server);
        await expectTalk(server, client);
      });

      it('leaves no listener behind', async () => {
        using pair = await loopbackPair({ family });
        const late = net.connect(pair.server.localPort as number, address);
        const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
        expect(error.code).toBe('ECONNREFUSED');
      });
    });
  }

  it('is IPv4 unless asked otherwise, and has no keepalive', async () => {
    using pair = await loopbackPair();
    expect(pair.client.remoteFamily).toBe('IPv4');
    for (const end of [pair.client, pair.server]) expect(getKeepAlive(end).enabled).toBe(false);
  });

  it('destroys both ends at the end of a `using` block', async () => {
    let kept: LoopbackPair;
    {
      using pair = await loopbackPair();
      kept = pair;
      expect(pair.client.destroyed).toBe(false);
    }
    expect(kept.client.destroyed).toBe(true);
    expect(kept.server.destroyed).toBe(true);
  });

  it('can be closed twice', async () => {
    const pair = await loopbackPair();
    pair.close();
    pair.close();
    expect(pair.client.destroyed && pair.server.destroyed).toBe(true);
  });

  it("leaves an error to the caller's listeners, and without any does not throw it", async () => {
    using pair = await loopbackPair();
    expect(pair.server.listenerCount('error')).toBeGreaterThan(0);
    const end = endOf(pair.server);
    pair.client.resetAndDestroy();
    expect((await end).code).toBe('ECONNRESET');
  });

  it.for([5, 0, '4', null, 'IPv6'])('refuses the family %j and names it', async (family) => {
    await expect(loopbackPair({ family: family as 4 })).rejects.toThrow(RangeError);
    await expect(loopbackPair({ family: family as 4 })).rejects.toThrow(/family must be 4 or 6, got /);
  });
});
