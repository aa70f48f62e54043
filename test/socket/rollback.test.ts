import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { libc } from '../../src/native/libc.js';
import { readPolicy } from '../../src/policy/parse.js';
import { writePolicy } from '../../src/socket/options.js';
import { linux } from '../../src/socket/platforms/linux.js';
import type { Platform } from '../../src/socket/platforms/platform.js';
import { loopbackPair } from '../../src/testing/index.js';
import { fdOf, kernelState } from '../kernel/descriptor.js';

/** SO_TYPE can be read but not set: the kernel answers ENOPROTOOPT. */
const readOnly = { name: 'SO_TYPE', level: 1, option: 3 };
/** SO_RCVBUF is accepted, but the kernel keeps twice the value. */
const doubled = { name: 'SO_RCVBUF', level: 1, option: 8 };

const positions = ['interval', 'count', 'userTimeout', 'keepAlive', 'idle'] as const;
const policy = readPolicy('30:5:3:auto');

function tableWith(position: (typeof positions)[number], option: typeof readOnly): Platform {
  return { ...linux, [position]: { ...linux[position], ...option } };
}

const earlier = { off: false, 'on, with other numbers': readPolicy('90:8:7:60') } as const;

describe.each(Object.entries(earlier))('a socket with keepalive %s', (_name, before) => {
  it.each(positions)('is as it was when setting %s fails', async (position) => {
    using pair = await loopbackPair();
    const fd = fdOf(pair.client);
    writePolicy(fd, before, linux);
    const state = kernelState(fd);
    const failure = expect.objectContaining({
      name: 'SystemCallError',
      code: 'ENOPROTOOPT',
      syscall: 'setsockopt(SO_TYPE)',
      message: expect.stringMatching(/has no such option: pass a TCP socket/),
    });
    expect(() => writePolicy(fd, policy, tableWith(position, readOnly))).toThrow(failure);
    expect(kernelState(fd)).toEqual(state);
  });

  // Of the flag only 0 or not 0 is read, so a table cannot make the kernel seem to ignore it.
  it.each(['interval', 'count', 'userTimeout', 'idle'] as const)(
    'is as it was when the kernel does not keep %s',
    async (position) => {
      using pair = await loopbackPair();
      const fd = fdOf(pair.client);
      writePolicy(fd, before, linux);
      const state = kernelState(fd);
      const ignored = expect.objectContaining({
        code: 'ERR_KEEPALIVE_UNSUPPORTED',
        message: expect.stringContaining('setting SO_RCVBUF to'),
      });
      const table = tableWith(position, doubled);
      expect(() => writePolicy(fd, policy, table)).toThrow(ignored);
      expect(kernelState(fd)).toEqual(state);
    },
  );

  it.each(positions)('is left alone when %s cannot even be read', async (position) => {
    using pair = await loopbackPair();
    const fd = fdOf(pair.client);
    writePolicy(fd, before, linux);
    const state = kernelState(fd);
    const table = tableWith(position, { name: 'TCP_NONE', level: 6, option: 9999 });
    const code = position === 'userTimeout' ? 'ENOPROTOOPT' : 'ERR_KEEPALIVE_UNSUPPORTED';
    expect(() => writePolicy(fd, policy, table)).toThrow(expect.objectContaining({ code }));
    expect(kernelState(fd)).toEqual(state);
  });
});

it('sets what a kernel without a user timeout has, and reports that none is in force', async () => {
  using pair = await loopbackPair();
  const fd = fdOf(pair.client);
  const table = tableWith('userTimeout', { name: 'TCP_NONE', level: 6, option: 9999 });
  const state = { enabled: true, idle: 30000, interval: 5000, count: 3, userTimeout: 0 };
  expect(writePolicy(fd, readPolicy('30:5:3'), table)).toEqual(state);
  expect(kernelState(fd)).toEqual({ ...state, userTimeout: 0 });
});

it('says so when what was there cannot be put back, and puts back the rest', async () => {
  using pair = await loopbackPair();
  const fd = fdOf(pair.client);
  writePolicy(fd, readPolicy('90:8:7'), linux);
  const before = kernelState(fd);
  const { setsockopt } = libc();
  let intervalCalls = 0;
  const spy = vi.spyOn(libc(), 'setsockopt').mockImplementation((...call) => {
    if (call[2] === linux.interval.option) intervalCalls += 1;
    return intervalCalls === 2 && call[2] === linux.interval.option ? -1 : setsockopt(...call);
  });
  onTestFinished(() => spy.mockRestore());
  expect(() => writePolicy(fd, policy, tableWith('idle', readOnly))).toThrow(
    expect.objectContaining({
      name: 'SystemCallError',
      syscall: 'setsockopt(TCP_KEEPINTVL)',
      message: expect.stringContaining('could not be restored'),
      cause: expect.objectContaining({ syscall: 'setsockopt(SO_TYPE)', code: 'ENOPROTOOPT' }),
    }),
  );
  expect(kernelState(fd)).toEqual({ ...before, interval: 5000 });
});

it('gives a kernel that counts the user timeout in seconds 45 for 45 s, and refuses 1500 ms with nothing set', async () => {
  using pair = await loopbackPair();
  const fd = fdOf(pair.client);
  const before = kernelState(fd);
  const table: Platform = { ...linux, userTimeout: { ...linux.userTimeout, unitMs: 1000 } };
  expect(() => writePolicy(fd, readPolicy('30:5:3:1500ms'), table)).toThrow(
    expect.objectContaining({ name: 'PolicyError', field: 'userTimeout' }),
  );
  expect(kernelState(fd)).toEqual(before);
  expect(writePolicy(fd, readPolicy('30:5:3:45s'), table).userTimeout).toBe(45000);
  expect(kernelState(fd).userTimeout).toBe(45);
});
