import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPeers } from '../../src/host/check.js';
import { reapPeers } from '../../src/host/reap.js';
import { parseSelection } from '../../src/host/selection.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { BeyondLimits } from './beyond-limits.js';
import type { Reaping } from './reap-unprivileged.js';

const isRoot = process.getuid?.() === 0;
const network = ownNetwork();

describe.concurrent('checkPeers', () => {
  it.skipIf(cannotRun(!isRoot || network === undefined, 'it needs root and unshare --net'))(
    'leaves alone what it could not put back, and says so',
    async () => {
      const program = new URL('beyond-limits.ts', import.meta.url);
      const result = await runProgram<BeyondLimits>(program, [readlinkSync('/proc/self/ns/net')], network);
      expect(result.before[0]).toMatchObject({ enabled: true, idle: 86_400_000 });
      expect(result.after).toEqual(result.before);
      expect(result.answers).toEqual([{ port: result.ownPort, answer: 'alive' }]);
      expect(result.incomplete).toEqual([
        { what: 'the peers of 3 connections', why: expect.stringContaining('comes from a sysctl') },
      ]);
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
      expect(inFlight.error).toMatch(/^data is in flight, and its next retransmission is \d+ s away$/);
      expect(other.after).toEqual(other.before);
    },
  );

  it('leaves a connection open whose peer was heard after it was asked', async () => {
    using pair = await loopbackPair();
    const { client, server } = pair;
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
    await expect(asking).rejects.toThrow("given options such as { timeout: '2s' }");
  });

  it('has nothing to close where nobody is silent', async () => {
    expect(await reapPeers([])).toEqual([]);
  });
});
