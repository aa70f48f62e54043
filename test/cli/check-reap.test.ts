import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { getKeepAlive } from '../../src/index.js';
import { crashPeer } from '../../src/testing/index.js';
import { endOf, infoOf, moment } from '../kernel/observation.js';
import { cannotRun } from '../requirement.js';
import { check, crashedPair, end, pairWith, quiet, slowMs, untouched } from './checked-pairs.js';
import { finished, program } from './run-cli.js';

const notRoot = cannotRun(process.getuid?.() !== 0, 'it needs root, or CAP_NET_ADMIN');

describe.concurrent('tcp-keepalive check --reap', () => {
  it.skipIf(notRoot)('closes the silent at once and leaves the others, in the selection and outside', async () => {
    using crashed = await crashedPair();
    using healthy = await pairWith();
    using outside = await crashedPair();
    await quiet(healthy.server);
    const ended = endOf(crashed.server);
    const locals = [crashed, healthy].map(({ server }) => `local:${server.localPort}`).join(',');
    const result = await check('--port', locals, '--pid', `${process.pid}`, '--reap', '--yes');
    expect(result.peers).toHaveLength(2);
    expect(result.peers).toContainEqual(expect.objectContaining({ answer: 'silent', reaped: 'destroyed' }));
    expect(result.peers).toContainEqual({
      ...result.peers.find(({ answer }: { answer: string }) => answer === 'alive'),
    });
    expect(result.code).toBe(0);
    expect((await ended).code).toBe('ECONNABORTED');
    for (const { server } of [healthy, outside]) {
      expect(server.destroyed).toBe(false);
      expect(infoOf(server).state).toBe('ESTABLISHED');
    }
  });

  it.skipIf(notRoot)(
    'closes nothing that only a segment from beside found silent, unless it is asked for',
    async () => {
      using pair = await crashedPair('30:5:1');
      const { server } = pair;
      const before = getKeepAlive(server);
      const ended = endOf(server);
      const { code, peers } = await check(...end(server), '--reap', '--yes');
      expect(peers).toMatchObject([
        { answer: 'silent', asked: 'segment', reaped: 'unconfirmed', error: expect.stringContaining('0 of 1 probes') },
      ]);
      expect(code).toBe(2);
      expect(infoOf(server)).toMatchObject({ state: 'ESTABLISHED', probes: 0 });
      expect(getKeepAlive(server)).toEqual(before);
      expect(await check(...end(server), '--reap', '--yes', '--unconfirmed')).toMatchObject({
        code: 0,
        peers: [{ answer: 'silent', reaped: 'destroyed' }],
      });
      expect((await ended).code).toBe('ECONNABORTED');
    },
  );

  it('closes nothing without a yes where there is no terminal', async () => {
    using pair = await crashedPair();
    const { code, stderr, peers } = await check(...end(pair.server), '--reap');
    expect(stderr).toBe('tcp-keepalive: nothing was closed: it takes a yes, or --yes\n');
    expect(peers).toMatchObject([{ answer: 'silent' }]);
    expect(peers[0]).not.toHaveProperty('reaped');
    expect(code).toBe(2);
    expect(infoOf(pair.server).state).toBe('ESTABLISHED');
    expect(getKeepAlive(pair.server)).toEqual(untouched);
  });

  it.skipIf(notRoot)('asks on a terminal: closes on y, and neither on n nor at the end of the input', async () => {
    for (const [reply, code] of [
      ['n\n', 2],
      ['\u0004', 2],
      ['y\n', 0],
    ] as const) {
      using pair = await crashedPair();
      const { server } = pair;
      const ended = endOf(server);
      const command = `exec ${process.execPath} ${program} check ${end(server).join(' ')} --reap`;
      const child = spawn('script', ['-qec', `stty cols 80 rows 30; ${command}`, '/dev/null']);
      let screen = '';
      child.stdout.on('data', (text) => {
        screen += text;
        if (/\[y\/N\] /.test(screen) && !screen.includes('?done')) {
          screen += '?done';
          child.stdin.write(reply);
        }
      });
      const result = await finished(child);
      expect(result.stdout).toContain('Close 1 connection? [y/N]');
      expect(result.code).toBe(code);
      if (code === 0) await ended;
      else expect(infoOf(server).state).toBe('ESTABLISHED');
    }
  });

  it.skipIf(notRoot)('leaves a peer alone that is heard before the yes', async () => {
    const pair = await pairWith();
    const { client, server } = pair;
    const crashed = crashPeer(client);
    await quiet(server);
    const command = `exec ${process.execPath} ${program} check ${end(server).join(' ')} --reap`;
    const child = spawn('script', ['-qec', command, '/dev/null']);
    const result = finished(child);
    let asked = '';
    child.stdout.on('data', (text) => {
      asked += text;
    });
    await moment(() => asked.includes('[y/N]'), 'the question', slowMs);
    crashed.revive();
    client.write('back again');
    server.resume();
    await moment(() => infoOf(server).lastDataReceivedMs < 500, 'the sign of life');
    child.stdin.write('y\n');
    const { code, stdout } = await result;
    expect(stdout).toContain('left open: the peer was heard meanwhile');
    expect(code).toBe(0);
    expect(infoOf(server).state).toBe('ESTABLISHED');
    expect(getKeepAlive(server)).toEqual(untouched);
    pair.close();
  });
});
