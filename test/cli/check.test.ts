import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { endOf, infoOf, moment } from '../kernel/observation.js';
import { rebootPeer } from '../peers.js';
import { check, crashedPair, end, quiet, slowMs, untouched } from './checked-pairs.js';
import { finished, program, runCli } from './run-cli.js';

describe.concurrent('tcp-keepalive check', () => {
  it('finds a healthy idle peer alive, as the contract has it', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    await quiet(server);
    const segments = infoOf(client).segmentsIn ?? Number.NaN;
    const result = await check(...end(server));
    expect(result).toEqual({
      code: 0,
      stderr: '',
      peers: [
        {
          local: { address: '127.0.0.1', port: server.localPort },
          remote: { address: '127.0.0.1', port: client.localPort },
          answer: 'alive',
          elapsedMs: expect.any(Number),
        },
      ],
      incomplete: [],
    });
    expect(infoOf(client).segmentsIn, 'one probe').toBe(segments + 1);
    expect(getKeepAlive(server)).toEqual(untouched);
  });

  it('finds a peer alive that was heard just now, without asking', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    const chatter = setInterval(() => client.write('.'), 100);
    server.resume();
    const { code, peers } = await check(...end(server));
    clearInterval(chatter);
    expect(peers).toMatchObject([{ answer: 'alive', elapsedMs: 0 }]);
    expect(code).toBe(0);
  });

  it('finds a crashed peer silent after three probes, with exit code 2, and leaves the connection', async () => {
    using pair = await crashedPair();
    const { server } = pair;
    const { code, peers } = await check(...end(server));
    expect(peers).toMatchObject([{ answer: 'silent', elapsedMs: 2000 }]);
    expect(code).toBe(2);
    expect(getKeepAlive(server)).toEqual(untouched);
    expect(infoOf(server).probes).toBe(3);
  });

  it('waits as long as --timeout says', async () => {
    using pair = await crashedPair();
    const { peers } = await check(...end(pair.server), '--timeout', '600ms');
    expect(peers).toMatchObject([{ answer: 'silent', elapsedMs: 600 }]);
  });

  it('finds a peer that does not know the connection any more to reset it', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    const ended = endOf(server);
    const port = server.localPort;
    await rebootPeer(client, server);
    await quiet(server);
    const { code, peers } = await check(...end(server));
    expect(peers).toMatchObject([{ answer: 'reset', local: { port } }]);
    expect(code).toBe(0);
    expect((await ended).code).toBe('ECONNRESET');
  });

  it('finds a peer silent that does not acknowledge data in flight, and leaves the options', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    setKeepAlive(server, '30:5:3');
    const before = getKeepAlive(server);
    crashPeer(client);
    server.write('lost');
    await quiet(server);
    const { code, peers } = await check(...end(server));
    expect(peers).toMatchObject([{ answer: 'silent' }]);
    expect(code).toBe(2);
    expect(getKeepAlive(server)).toEqual(before);
    expect(infoOf(server).unacked).toBe(1);
  });

  it('finds a peer alive that closes in the orderly way while it is asked', async () => {
    using pair = await crashedPair();
    const { server } = pair;
    const result = check(...end(server), '--timeout', '60s');
    await moment(() => infoOf(server).probes > 0, 'the question', slowMs);
    pair.client.on('end', () => pair.client.end()).resume();
    server.end();
    crashPeer(pair.client).revive();
    expect(await result).toMatchObject({ code: 0, peers: [{ answer: 'alive' }] });
  });

  it('says of a peer that does not read that it was not asked', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    client.pause();
    server.write(Buffer.alloc(8_000_000));
    await moment(() => infoOf(server).backoff >= 5, 'window probes');
    await quiet(server);
    const { peers, incomplete } = await check(...end(server));
    if (peers.length > 0) expect(peers).toMatchObject([{ answer: 'alive', elapsedMs: 0 }]);
    else expect(incomplete).toMatchObject([{ why: expect.stringContaining('zero window') }]);
  });

  it.each(['30:5:3', '1:1:1', '2:1:1:3s', '5:7:1:1s', '32767:32767:127:2h', '2:1:2'])(
    'leaves a healthy connection with the policy %s as it was, several times over',
    async (policy) => {
      using pair = await loopbackPair();
      const { server } = pair;
      setKeepAlive(server, policy);
      const before = getKeepAlive(server);
      for (let round = 0; round < 3; round += 1) {
        if (policy.startsWith('1:')) await moment(() => infoOf(server).lastAckReceivedMs >= 900, 'quiet');
        else await quiet(server);
        const { code, peers } = await check(...end(server));
        expect(peers).toMatchObject([{ answer: 'alive' }]);
        expect(code).toBe(0);
        expect(getKeepAlive(server)).toEqual(before);
      }
      expect(server.destroyed).toBe(false);
    },
  );

  it('never uses up the probes that the kernel would still send to a silent peer', async () => {
    using pair = await crashedPair('60:60:3');
    const { server } = pair;
    const before = getKeepAlive(server);
    expect(await check(...end(server))).toMatchObject({ code: 2, peers: [{ answer: 'silent' }] });
    expect(await check(...end(server))).toMatchObject({ code: 2, peers: [{ answer: 'silent' }] });
    expect(infoOf(server).probes, 'of 3').toBeLessThan(3);
    expect(getKeepAlive(server)).toEqual(before);
    expect(server.destroyed).toBe(false);
  });

  it('puts the options back before a signal ends it', async () => {
    // With a count of 1 its options are others until the answer has come.
    using pair = await crashedPair('60:60:1:2h');
    const { server } = pair;
    const before = getKeepAlive(server);
    const child = spawn(process.execPath, [program, 'check', ...end(server), '--timeout', '60s']);
    const result = finished(child);
    await moment(() => getKeepAlive(server).idle === 1000, 'the question', slowMs);
    child.kill('SIGINT');
    expect((await result).code).not.toBe(0);
    expect(child.signalCode).toBe('SIGINT');
    expect(getKeepAlive(server)).toEqual(before);
  });

  it('asks only those that are selected', async () => {
    using asked = await crashedPair();
    using other = await crashedPair();
    const { peers } = await check(...end(asked.server));
    expect(peers).toHaveLength(1);
    expect(infoOf(asked.server).probes).toBe(3);
    expect(infoOf(other.server).probes).toBe(0);
  });

  it('prints the silent first, and counts them', async () => {
    using healthy = await loopbackPair();
    using crashed = await crashedPair();
    await quiet(healthy.server);
    const locals = [healthy, crashed].map(({ server }) => `local:${server.localPort}`).join(',');
    const { code, stdout, stderr } = await runCli('check', '--port', locals, '--pid', `${process.pid}`);
    const [title, first, second] = stdout.split('\n');
    expect(title).toMatch(/^PROCESS +LOCAL +REMOTE +ANSWER +AFTER$/);
    expect(first).toMatch(new RegExp(`:${crashed.server.localPort} .* silent +2000 ms$`));
    expect(second).toMatch(new RegExp(`:${healthy.server.localPort} .* alive +\\d+ ms$`));
    expect(stdout).toMatch(/\n\n2 peers: 1 alive, 0 reset, 1 silent\n$/);
    expect(stderr).toBe('');
    expect(code).toBe(2);
  });

  it('has exit code 1 where nothing matches, and for wrong usage', async () => {
    expect(await check('--pid', `${process.pid}`, '--remote', '10.0.0.0/8')).toMatchObject({ code: 1, peers: [] });
    for (const args of [
      ['--timeout', 'soon'],
      ['--reap', '--yes'],
      ['--reap', '--all-netns', '--yes'],
      ['--port', 'x'],
    ]) {
      const { code, stdout, stderr } = await runCli('check', ...args);
      expect(stderr).toContain(args[0]?.slice(2));
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stdout).toBe('');
      expect(code).toBe(1);
    }
  });
});
