import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachSocketFilter, detachSocketFilter } from './socket-filter.js';
import { readBytesOption, readIntOption, writeBytesOption, writeIntOption } from './socket-options.js';

const SO_KEEPALIVE = { name: 'SO_KEEPALIVE', level: 1, option: 9 };
const TCP_KEEPCNT = { name: 'TCP_KEEPCNT', level: 6, option: 6 };
const TCP_INFO = { name: 'TCP_INFO', level: 6, option: 11 };
const NO_OPTION = { name: 'TCP_NONE', level: 6, option: 9999 };

const server = net.createServer();
let fd: number;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ fd } = (server as unknown as { _handle: { fd: number } })._handle);
});
afterAll(() => void server.close());

describe('an option', () => {
  it('is read as it was written', () => {
    expect(readIntOption(fd, SO_KEEPALIVE)).toBe(0);
    writeIntOption(fd, SO_KEEPALIVE, 1);
    expect(readIntOption(fd, SO_KEEPALIVE)).toBe(1);
    writeBytesOption(fd, TCP_KEEPCNT, new Uint8Array(new Int32Array([7]).buffer));
    expect(readIntOption(fd, TCP_KEEPCNT)).toBe(7);
  });

  it('that is a structure is as long as the kernel makes it, and no longer than asked for', () => {
    expect(readBytesOption(fd, TCP_INFO, 8)).toHaveLength(8);
    const whole = readBytesOption(fd, TCP_INFO, 4096);
    expect(whole.length).toBeGreaterThan(100);
    expect(whole.length).toBeLessThan(4096);
  });

  it.each([
    [
      'the value is refused',
      () => writeIntOption(fd, TCP_KEEPCNT, 128),
      'EINVAL',
      /setsockopt\(TCP_KEEPCNT\).*value 128/,
    ],
    [
      'it does not exist',
      () => readIntOption(fd, NO_OPTION),
      'ENOPROTOOPT',
      /getsockopt\(TCP_NONE\).*pass a TCP socket/,
    ],
    ['it is no structure', () => writeBytesOption(fd, TCP_KEEPCNT, new Uint8Array(1)), 'EINVAL', /setsockopt/],
    [
      'the descriptor is closed',
      () => readBytesOption(1_000_000, TCP_INFO, 8),
      'EBADF',
      /descriptor 1000000 is not open/,
    ],
    ['the descriptor is negative', () => writeIntOption(-1, SO_KEEPALIVE, 1), 'EBADF', /descriptor -1 is not open/],
    ['no filter is attached', () => detachSocketFilter(fd), 'ENOENT', /SO_DETACH_FILTER/],
    [
      'the filter is no program',
      () => attachSocketFilter(fd, new Uint8Array(8)),
      /^(EINVAL|EPERM)$/,
      /SO_ATTACH_FILTER/,
    ],
  ])('gives a typed error when %s', (_name, call, code, message) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'SystemCallError' });
    expect((error as { code: string }).code).toMatch(code);
    expect((error as Error).message).toMatch(message);
  });
});
