import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recommendedIdle } from '../../src/index.js';
import { listConnections, parseSelection } from '../../src/linux.js';
import { type Held, type Holder, startHolder } from '../host/options-holding.js';
import { moment } from '../kernel/observation.js';
import { ownNetwork } from '../program.js';
import { cannotRun } from '../requirement.js';

const network = ownNetwork();
const canTrack =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--net', 'sh', '-c', 'nft add table inet t && nft add chain inet t c']).status === 0;

const timeoutS = 10;

/** A machine whose firewall forgets connections that are quiet for 10 s, and drops their packets from then on. */
const firewall = `
nft -f - <<RULES
table inet entries {
  chain in {
    type filter hook input priority 0
    ct state invalid drop
  }
}
RULES
echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose
echo ${timeoutS} > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established
`;

describe.skipIf(cannotRun(!canTrack || network === undefined, 'a firewall needs root, util-linux and nftables'))(
  'behind a real firewall',
  () => {
    let holder: Holder;
    let held: Map<string, Held>;

    beforeAll(async () => {
      holder = startHolder(network);
      // The holder runs once it answers, in its own network namespace.
      await holder.tell({ do: 'look' });
      execFileSync('nsenter', ['--target', `${holder.pid}`, '--net', 'sh', '-ec', firewall]);
      await holder.tell({ do: 'start', families: ['IPv4'], connections: 3 });
      const idle = recommendedIdle(timeoutS * 1000, '1s') as number;
      await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle, interval: 1000, count: 9 } });
      await holder.tell({ do: 'set', name: 'IPv4 2 server', policy: { idle: 11_000, interval: 1000, count: 100 } });
      held = await holder.tell({ do: 'set', name: 'IPv4 3 server', policy: false });
    });
    afterAll(() => holder?.end());

    function rowOf(name: string) {
      const netns = `${statSync(`/proc/${holder.pid}/ns/net`).ino}`;
      const selection = parseSelection({ pid: `${holder.pid}`, netns, state: 'established' });
      const { rows } = listConnections({ selection, allNetns: true, behind: `${timeoutS}s` });
      return rows.find(({ connection }) => `${connection.cookie}` === held.get(name)?.cookie);
    }

    it('exposed connections are those whose probes are dropped, by the time that was said', async () => {
      expect(['IPv4 1 server', 'IPv4 2 server', 'IPv4 3 server'].map((name) => rowOf(name)?.verdict)).toEqual([
        'protected',
        'exposed',
        'unprotected',
      ]);
      expect(rowOf('IPv4 1 server')?.behind?.dropInMs).toBeNull();
      const dropInMs = rowOf('IPv4 2 server')?.behind?.dropInMs as number;
      expect(dropInMs).toBeLessThanOrEqual(timeoutS * 1000);
      await delay(dropInMs);
      await moment(() => (rowOf('IPv4 2 server')?.connection.unanswered ?? 0) > 0, 'a probe that is dropped');
      expect(rowOf('IPv4 2 server')).toMatchObject({ verdict: 'exposed', behind: { dropInMs: expect.any(Number) } });
      expect(rowOf('IPv4 2 server')?.behind?.dropInMs).toBeLessThan(0);
      expect(rowOf('IPv4 1 server')?.connection).toMatchObject({ unanswered: 0, state: 'ESTABLISHED' });
      expect(rowOf('IPv4 1 server')?.behind?.dropInMs).toBeNull();
    });
  },
);
