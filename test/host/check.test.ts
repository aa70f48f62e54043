import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPeers } from '../../src/host/check/check.js';
import { reapPeers } from '../../src/host/check/reap.js';
import { parseSelection } from '../../src/host/selection/selection.js';
import { setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { AskedKind } from './asked-from-beside.js';
import type { BeyondLimits } from './beyond-limits.js';
import type { Reaping } from './reap-unprivileged.js';

const isRoot = process.getuid?.() === 0;
const network = ownNetwork();

const askedFromBeside = new URL('asked-from-beside.ts', import.meta.url);

/** What asks the silent peers that the connections' own kernel asks besides. */
const own: Record<string, string> = { 'silent, idle 1 s': 'probe', 'silent with data in flight': 'data' };

describe.concurrent('checkPeers', () => {
  it.skipIf(cannotRun(!isRoot || network === undefined, 'it needs root and unshare --net'))(
    'leaves alone what could not be restored, and says so',
    async () => {
      const program = new URL('beyond-limits.ts', import.meta.url);
      const result = await runProgram<BeyondLimits>(program, [readlinkSync('/proc/self/ns/net')], network);
      expect(result.before[0]).toMatchObject({ enabled: true, idle: 86_400_000 });
      expect(result.after).toEqual(result.before);
      const off = 'keepalive is off, so the kernel sends no probe';
      const beyond = 'its idle time comes from a sysctl and is more than a socket can be given back';
      expect(result.answers.filter(({ answer }) => answer === 'alive')).toMatchObject([{ port: result.ownPort }]);
      expect(result.answers.flatMap(({ why }) => why ?? []).sort()).toEqual([beyond, off, off]);
    },
  );

  it.skipIf(cannotRun(!isRoot, 'it needs root to give it up'))(
    'closes without CAP_NET_ADMIN what the kernel lets it, and gives the rest its options back',
    async () => {
      const program = new URL('reap-unprivileged.ts', import.meta.url);
      const { answers, dead, inFlight, other } = await runProgram<Reaping>(program);
      expect(answers).toEqual(['silent', 'silent']);
      expect(dead).toMatchObject({ outcome: 'expired', end: 'ETIMEDOUT' });
      expect(inFlight).toMatchObject({ outcome: 'failed', after: inFlight.before });
      expect(inFlight.error).toMatch(
        /^data is in flight, and (its next retransmission is \d+ s away|the kernel has not)/,
      );
      expect(other.after).toEqual(other.before);
    },
  );

  it.skipIf(cannotRun(!isRoot || network === undefined, 'it needs root and unshare --net'))(
    'asks as root from beside every kind of connection, and touches none',
    async () => {
      const kinds = await runProgram<Record<string, AskedKind>>(askedFromBeside, [], network);
      for (const [kind, { answer, asked, before, after, probes }] of Object.entries(kinds)) {
        const isSilent = kind.startsWith('silent');
        expect({ kind, answer }).toEqual({ kind, answer: isSilent ? 'silent' : 'alive' });
        expect({ kind, asked }).toEqual({ kind, asked: isSilent ? (own[kind] ?? 'segment') : undefined });
        expect(after).toEqual(before);
        expect({ kind, isProbed: probes > 0 }).toEqual({ kind, isProbed: kind === 'silent, idle 1 s' });
      }
    },
  );

  it.skipIf(cannotRun(!isRoot || network === undefined, 'it needs root and unshare --net'))(
    'asks without privileges only where an unanswered probe can do no harm, and says who was not asked',
    async () => {
      const kinds = await runProgram<Record<string, AskedKind>>(askedFromBeside, ['unprivileged'], network);
      for (const { before, after } of Object.values(kinds)) expect(after).toEqual(before);
      expect(kinds['mapped']).toMatchObject({ answer: 'alive' });
      expect(kinds['silent with probes to spare']).toMatchObject({ answer: 'silent', asked: 'probe', probes: 2 });
      expect(kinds['silent, idle 1 s']).toMatchObject({ answer: 'silent', asked: 'probe' });
      expect(kinds['silent with data in flight']).toMatchObject({ answer: 'silent', asked: 'data' });
      for (const kind of ['keepalive off', 'count 1', 'user timeout below idle', 'CLOSE-WAIT', 'silent']) {
        expect(kinds[kind]).toMatchObject({ answer: 'not-asked', probes: 0, why: expect.stringMatching(/^[ak]/) });
      }
    },
  );

  it('leaves a connection open whose peer was heard after it was asked', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
    setKeepAlive(server, '30:5:9');
    const crashed = crashPeer(client);
    await moment(() => infoOf(server).lastAckReceivedMs >= 1000, 'quiet');
    const selection = parseSelection({ pid: `${process.pid}`, port: `local:${server.localPort}` });
    const { peers } = await checkPeers({ selection }, { timeout: 300 });
    expect(peers).toMatchObject([{ answer: 'silent', elapsedMs: 300 }]);
    crashed.revive();
    client.write('back');
    await moment(() => infoOf(server).lastDataReceivedMs < 500, 'a sign of life');
    expect(await reapPeers(peers)).toMatchObject([{ outcome: 'answered' }]);
    expect(infoOf(server).state).toBe('ESTABLISHED');
  });

  it.each([0, -1, Number.NaN, 'soon', null])('asks nobody with the timeout %s', async (timeout) => {
    const asking = checkPeers({}, { timeout: timeout as number });
    await expect(asking).rejects.toMatchObject({ code: 'ERR_KEEPALIVE_CONFIGURATION', field: 'timeout' });
  });

  it('asks nobody with a number for its options', async () => {
    const asking = checkPeers({}, 300 as never);
    await expect(asking).rejects.toThrow('must be given an object of timeout, signal, got 300');
  });

  it('has nothing to close where nobody is silent', async () => {
    expect(await reapPeers([])).toEqual([]);
  });
});
