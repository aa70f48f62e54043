import { beforeAll, describe, expect, it } from 'vitest';
import { consumer, printed } from './consumer.js';

let folder: string;
beforeAll(() => {
  folder = consumer('loading', { '.': 'loading', 'package.json': { private: true } });
});

const env = { TCP_KEEPALIVE: '30:5:3' };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

// With the first, Node.js loads the ES modules for `require` too, and so each program has one copy of the package.
const modes: [string, ...string[]][] = [
  ['Node.js as it is'],
  ['require of ES modules turned off', '--no-experimental-require-module'],
];

describe.concurrent.each(modes)('with %s', (_, ...options) => {
  it.each(['required.cjs', 'imported.mjs'])('all entry points load, and have one state: %s', async (file) => {
    const expected = { accepted: 30_000, set: 40_000, isOneClass: true };
    expect(await printed(folder, [...options, file], env)).toEqual(expected);
  });

  it('a program that requires and imports the package has one state, and errors are instances of either class', async () => {
    const expected = { idles: [40_000, 41_000], isError: true };
    expect(await printed(folder, [...options, 'both.cjs'], env)).toEqual(expected);
  });

  it.each(['--require', '--import', '--require --import'])('%s of register applies the policy', async (loaders) => {
    const loading = loaders.split(' ').flatMap((loader) => [loader, 'tcp-keepalive/register']);
    const state = await printed(folder, [...options, ...loading, 'registered.cjs'], env);
    expect(state).toEqual({ enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 });
  });
});

describe('under the permission model', () => {
  const known = (flag: string) => process.allowedNodeEnvironmentFlags.has(flag);
  const permission = known('--permission') ? '--permission' : '--experimental-permission';
  const options = ['--no-warnings', permission, '--allow-fs-read=*', ...(known('--allow-net') ? ['--allow-net'] : [])];

  it('it loads, sets what Node.js can set, and names the option that allows the rest', async () => {
    const outcomes = await printed<Record<string, unknown>>(folder, [...options, 'permission.cjs']);
    const refused = expect.stringMatching(/requires .*needs --allow-addons under --permission/);
    const nodeSetsAll = major > 26 || (major === 26 && minor >= 4) || (major === 24 && minor >= 19);
    const set = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: null, readBack: false };
    expect(outcomes).toEqual({ set: nodeSetsAll ? set : refused, get: refused, watch: refused });
  });

  it('it works in full with --allow-addons', async () => {
    const outcomes = await printed<Record<string, unknown>>(folder, [...options, '--allow-addons', 'permission.cjs']);
    const state = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };
    expect(outcomes).toEqual({ set: state, get: state, watch: null });
  });
});
