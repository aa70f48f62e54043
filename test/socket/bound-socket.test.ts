import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, type KeepAliveTarget, setKeepAlive } from '../../src/index.js';
import { closing } from '../endpoints.js';
import { article } from '../kernel/descriptor.js';

interface Bound {
  close(): void;
}

const { BoundSocket } = net as unknown as { BoundSocket?: new (options: object) => KeepAliveTarget & Bound };

// Node.js has bound sockets since version 26, on which these tests run too.
if (BoundSocket === undefined) {
  it('is no target before Node.js 26', () => {
    expect(() => setKeepAlive({ fd: () => 0 } as never, '30:5:3')).toThrow(TypeError);
  });
} else
  describe('a bound socket', () => {
    it('has the policy, and so has the server that it is given to', async () => {
      const bound = new BoundSocket({ host: '127.0.0.1' });
      expect(setKeepAlive(bound, '30:5:3')).toEqual(article);
      expect(getKeepAlive(bound)).toEqual(article);
      const server = closing(net.createServer()).listen(bound);
      await once(server, 'listening');
      expect(getKeepAlive(server)).toEqual(article);
      expect(() => getKeepAlive(bound)).toThrow(/^getsockopt: EBADF, the bound socket was closed or given away/);
    });

    it('is refused once it is closed', () => {
      const bound = new BoundSocket({ host: '127.0.0.1' });
      bound.close();
      expect(() => setKeepAlive(bound, '30:5:3')).toThrow(/^setsockopt: EBADF, /);
    });
  });
