import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import net from 'node:net';
import { expect, it } from 'vitest';
import { readIntOption } from '../socket/socket-options.js';
import { descriptorFunctions } from './descriptor-calls.js';

const SO_KEEPALIVE = { name: 'SO_KEEPALIVE', level: 1, option: 9 };

type CallOn = (inode: number, name: string, fd: number, ...args: unknown[]) => unknown;

it('changes nothing on a descriptor that has become that of another socket', async () => {
  const callOn = descriptorFunctions['callOn'] as unknown as CallOn;
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const { ino } = fstatSync(fd);
  const attempt = (inode: number) => () => callOn(inode, 'writeIntOption', fd, SO_KEEPALIVE, 1);
  // The last is of a worker that found its descriptor closed.
  for (const inode of [ino + 1, -1]) expect(attempt(inode)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  expect(readIntOption(fd, SO_KEEPALIVE)).toBe(0);
  attempt(ino)();
  expect(readIntOption(fd, SO_KEEPALIVE)).toBe(1);
  server.close();
});
