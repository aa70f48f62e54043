import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { explainDeath, watchPeers } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { closing } from '../endpoints.js';
import { program, start } from './registered.js';

describe.concurrent('a program whose timers and clocks are not the real ones', () => {
  it.each([
    ['stubs', 'before'],
    ['stubs', 'after'],
    ['node:test', 'before'],
    ['node:test', 'after'],
  ])('%s, installed %s the package is loaded: nothing is thrown, and deaths are found', async (fake, when) => {
    const { code, stdout, stderr } = await start([program('fake-clock.mjs'), fake, when], { options: [] }).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      dead: 'keepalive',
      isFirst: true,
      destroyed: true,
      answered: false,
    });
  });
});

describe.concurrent('a program that has replaced the global class of promises', () => {
  it.each(['never settled', 'gone'])('%s: peers are watched and asked all the same', async (kind) => {
    const { code, stdout, stderr } = await start([program('replaced-promise.mjs'), kind], { options: [] }).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ answered: false, first: 'suspect', reason: 'keepalive' });
  });
});

describe('a program that has replaced the classes of node:net', () => {
  it('has the policy, and its peers are watched and asked', async () => {
    const { code, stdout, stderr } = await start([program('stubbed-classes.mjs')], { options: [] }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      idles: [30_000, 30_000],
      count: 7,
      answered: true,
      has: [true, true],
      overruled: 1,
    });
  });
});

describe('fake timers of vitest', () => {
  it('are not used by a watch: they run to their end, and deaths are found once the clock is real again', async ({
    onTestFinished,
  }) => {
    const pair = await loopbackPair();
    for (const end of [pair.client, pair.server]) closing(end).resume();
    const real = setTimeout;
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance', 'hrtime'] });
    onTestFinished(() => void vi.useRealTimers());
    using watch = watchPeers({ sockets: [pair.client], policy: '1:1:2' });
    pair.client.write('.');
    expect(vi.getTimerCount()).toBe(0);
    vi.runAllTimers();
    await new Promise((resolve) => real(resolve, 300));
    vi.useRealTimers();
    crashPeer(pair.server);
    const [dead] = await once(watch, 'dead', { signal: AbortSignal.timeout(20_000) });
    expect(dead).toMatchObject({ reason: 'keepalive', socket: pair.client });
    expect(explainDeath(undefined, pair.client)).toMatchObject({ reason: 'keepalive' });
  });
});
