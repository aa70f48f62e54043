import { describe, expect, it } from 'vitest';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { fdOf, packetsDropped } from '../kernel/descriptor.js';
import { endOf, infoOf, moment } from '../kernel/observation.js';
import { rebootPeer } from '../peers.js';
import { check, crashedPair, end, pairWith, quiet, slowMs, untouched } from './checked-pairs.js';
import { runCli } from './run-cli.js';

/** An unanswered probe could end a connection with these. */
const mayEnd = new Set(['2:1:1:3s', '5:7:1:1s', '2:1:2']);

const isRoot = process.getuid?.() === 0;

describe.concurrent('tcp-keepalive check', () => {
  it('finds a healthy idle peer alive, as the contract has it', async () => {
    using pair = await pairWith();
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
      orphans: 0,
      undecided: { connections: 0, listeners: 0, reasons: [] },
      isWhole: true,
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

  it('finds a crashed peer silent, with exit code 2, and leaves the connection', async () => {
    using pair = await crashedPair();
    const { server } = pair;
    const { code, peers } = await check(...end(server));
    expect(peers).toMatchObject([{ answer: 'silent', elapsedMs: 2000 }]);
    expect(code).toBe(2);
    expect(getKeepAlive(server)).toEqual(untouched);
    expect(infoOf(server).probes, 'as root nothing is asked of its kernel').toBe(isRoot ? 0 : 3);
  });

  it('waits as long as --timeout says', async () => {
    using pair = await crashedPair();
    const { peers } = await check(...end(pair.server), '--timeout', '600ms');
    expect(peers).toMatchObject([{ answer: 'silent', elapsedMs: 600 }]);
  });

  it('finds a peer that does not know the connection any more to reset it', async () => {
    using pair = await pairWith();
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
    const sent = infoOf(server).segmentsOut as number;
    const dropped = packetsDropped(fdOf(pair.client));
    const result = check(...end(server), '--timeout', '60s');
    await moment(() => packetsDropped(fdOf(pair.client)) > dropped, 'the question', slowMs);
    expect(infoOf(server).segmentsOut).toBe(isRoot ? sent : sent + 1);
    pair.client.on('end', () => pair.client.end()).resume();
    server.end();
    crashPeer(pair.client).revive();
    expect(await result).toMatchObject({ code: 0, peers: [{ answer: 'alive' }] });
  });

  it('says of a peer that does not read that it was not asked, or asks it as root', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    client.pause();
    server.write(Buffer.alloc(8_000_000));
    await moment(() => infoOf(server).backoff >= 5, 'window probes');
    await quiet(server);
    const { code, peers } = await check(...end(server));
    if (isRoot || peers[0].answer === 'alive') expect(peers).toMatchObject([{ answer: 'alive' }]);
    else expect(peers).toMatchObject([{ answer: 'not-asked', why: expect.stringContaining('zero window') }]);
    expect(code).toBe(peers[0].answer === 'alive' ? 0 : 3);
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
        const isAsked = isRoot || !mayEnd.has(policy);
        expect(peers).toMatchObject([{ answer: isAsked ? 'alive' : 'not-asked' }]);
        expect(code).toBe(isAsked ? 0 : 3);
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

  it('asks only those that are selected', async () => {
    using asked = await crashedPair();
    using other = await crashedPair();
    const dropped = () => [asked, other].map(({ client }) => packetsDropped(fdOf(client)));
    const before = dropped();
    const { peers } = await check(...end(asked.server));
    expect(peers).toHaveLength(1);
    expect(dropped()).toEqual([(before[0] as number) + 3, before[1]]);
  });

  it('prints the silent first, and counts them', async () => {
    using healthy = await pairWith();
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
