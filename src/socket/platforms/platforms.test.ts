import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../native/errors.js';
import { PolicyError } from '../../policy/errors.js';
import { readPolicy } from '../../policy/parse.js';
import { assertWritable, layoutOf, neededWrites } from '../option-writes.js';
import { currentPlatform, platformNamed } from './index.js';

const options = ['keepAlive', 'idle', 'interval', 'count', 'userTimeout'] as const;

describe.each([
  ['linux', [1, 9], [6, 4], [6, 5], [6, 6], [6, 18]],
  ['darwin', [0xffff, 8], [6, 0x10], [6, 0x101], [6, 0x102], [6, 0x80]],
  ['freebsd', [0xffff, 8], [6, 256], [6, 512], [6, 1024], [6, 68]],
  ['win32', [0xffff, 8], [6, 3], [6, 17], [6, 16], [6, 5]],
] as const)('the table of %s', (name, ...expected) => {
  const platform = platformNamed(name);

  it("has the system's numbers", () => {
    expect(platform.name).toBe(name);
    expect(options.map((option) => [platform[option]?.level, platform[option]?.option])).toEqual(expected);
  });

  it('counts idle and interval in seconds', () => {
    expect([platform.idle?.unitMs, platform.interval?.unitMs]).toEqual([1000, 1000]);
  });

  it('hands options from the listener on only on Linux', () => {
    expect(platform.listenerOptionsInherited).toBe(name === 'linux');
    expect(platform.hasDescriptors).toBe(name !== 'win32');
  });

  it('takes a user timeout of whole seconds, and of milliseconds only on Linux', () => {
    expect(() => assertWritable(readPolicy('30:5:3:45s'), platform)).not.toThrow();
    expect(() => assertWritable(false, platform)).not.toThrow();
    const check = () => assertWritable(readPolicy('30:5:3:1500ms'), platform);
    if (name === 'linux') expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ name: 'PolicyError', field: 'userTimeout' }));
  });

  it('restores a state by what differs, without options that the system lacks', () => {
    const state = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };
    const current = { ...state, enabled: false, count: 9 };
    const writes = neededWrites(readPolicy(state), platform, () => current);
    expect(writes.map(({ field }) => field)).toEqual(['count', 'enabled']);
    expect(neededWrites(readPolicy(state), platform, () => state)).toEqual([]);
  });
});

describe.each(['darwin', 'freebsd', 'win32'])('a user timeout on %s', (name) => {
  it('that is no whole second is refused with what was given and what is allowed', () => {
    const { userTimeout } = platformNamed(name);
    const message = `userTimeout must be whole seconds on this platform (${userTimeout?.name}), got "1500ms"`;
    expect(() => assertWritable(readPolicy({ userTimeout: 1500 }), platformNamed(name))).toThrow(
      new PolicyError('userTimeout', '1500ms', `whole seconds on this platform (${userTimeout?.name})`),
    );
    expect(() => assertWritable(readPolicy({ userTimeout: 1500 }), platformNamed(name))).toThrow(message);
  });
});

it('a platform that has no option for a number says so when the number is set, and when it is read', () => {
  const { idle: _, ...withoutIdle } = platformNamed('freebsd');
  expect(() => assertWritable(readPolicy('30:5:3'), withoutIdle)).toThrow(UnsupportedError);
  expect(() => assertWritable(readPolicy({ interval: '5s' }), withoutIdle)).not.toThrow();
  expect(() => layoutOf(withoutIdle)).toThrow(/setting idle is not supported/);
});

it('a platform without a table is unsupported, and the error names those that have one', () => {
  expect(() => platformNamed('aix')).toThrow(UnsupportedError);
  expect(() => platformNamed('aix')).toThrow(/TCP keepalive on aix.*Linux, macOS, FreeBSD or Windows/);
});

it('the table in use is that of this process', () => {
  expect(currentPlatform()).toBe(platformNamed(process.platform));
});

describe("the machine's own headers", () => {
  const program = `
#include <sys/socket.h>
#include <netinet/in.h>
#include <linux/tcp.h>
linux SOL_SOCKET SO_KEEPALIVE IPPROTO_TCP TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_USER_TIMEOUT TCP_INFO
`;
  const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
  if (!hasCompiler) {
    if (process.env['CI'] !== undefined) throw new Error('cc is missing: install a C compiler');
    console.warn('The Linux table is not compared with the headers: cc is missing.');
  }

  it.skipIf(!hasCompiler)('agree with the Linux table', () => {
    const { stdout } = spawnSync('cc', ['-E', '-P', '-'], { input: program, encoding: 'utf8' });
    const words = stdout.trim().split(/\s+/).slice(-8);
    const [socketLevel, keepAlive, tcpLevel, ...tcp] = words.map((word) => (word === 'IPPROTO_TCP' ? 6 : Number(word)));
    const linux = platformNamed('linux');
    expect([linux.keepAlive.level, linux.keepAlive.option]).toEqual([socketLevel, keepAlive]);
    const table = [linux.idle, linux.interval, linux.count, linux.userTimeout, linux.tcpInfo];
    expect(table.map((option) => option?.option)).toEqual(tcp);
    expect(table.map((option) => option?.level)).toEqual(Array(5).fill(tcpLevel));
  });
});
