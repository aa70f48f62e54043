import type net from 'node:net';
import { expect, it } from 'vitest';
import type { Handle } from '../../node/handle.js';
import { localEnd } from './addresses.js';

it('gives the address of each connection, however many addresses this machine has had', () => {
  const ends = Array.from({ length: 1000 }, (_, i) => {
    const address = `fd00::${i.toString(16)}`;
    const getsockname = (out: { address?: string; port?: number }) => {
      Object.assign(out, { address, port: 5432 });
      return 0;
    };
    return localEnd({ getsockname } as unknown as Handle, {} as net.Socket)?.address;
  });
  expect(new Set(ends).size).toBe(1000);
});
