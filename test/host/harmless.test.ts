import { describe, expect, it } from 'vitest';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { Outage } from './asked-in-outage.js';
import type { SetUnanswered } from './set-unanswered.js';
import type { Signalled } from './signalled-asker.js';

const isRoot = process.getuid?.() === 0;
const network = ownNetwork();
const cannot = cannotRun(!isRoot || network === undefined, 'it needs root, to give it up, and unshare --net');
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const slowMs = 240_000;

describe('asking and setting', () => {
  it.skipIf(cannot)('ends no connection whose peer is away for 3 s while two ask', async () => {
    const program = new URL('asked-in-outage.ts', import.meta.url);
    const asRoot = await runProgram<Outage>(program, [], network, slowMs);
    expect(asRoot).toMatchObject({ dead: [], changed: [] });
    // How many are silent depends on how fast this machine is: each was asked.
    expect(asRoot.asked['not-asked']).toBeUndefined();
    const unprivileged = await runProgram<Outage>(program, ['unprivileged'], network, slowMs);
    expect(unprivileged).toMatchObject({ dead: [], changed: [] });
    expect(unprivileged.asked['not-asked']).toBeGreaterThan(0);
  });

  it.skipIf(cannot)('ends no connection for probes that were unanswered before', async () => {
    const program = new URL('set-unanswered.ts', import.meta.url);
    for (const { listed, probes, changed, isAlive, policy } of await runProgram<SetUnanswered[]>(
      program,
      [],
      network,
    )) {
      expect(listed).toBe(probes);
      expect(changed?.unanswered).toBeUndefined();
      expect(changed?.after).toMatchObject({ count: JSON.parse(policy).count, enabled: true });
      expect(isAlive).toBe(true);
    }
    const unprivileged = await runProgram<SetUnanswered[]>(program, ['unprivileged'], network);
    for (const { listed, probes, changed, isAlive, policy } of unprivileged) {
      expect(listed).toBe(probes);
      expect(changed?.unanswered).toBe(probes);
      expect(changed?.after).toMatchObject({ count: JSON.parse(policy).count + probes, userTimeout: 0 });
      expect(isAlive).toBe(true);
    }
  });

  it.skipIf(cannot)(
    'leaves the options as they were, whatever signal comes while the idle time reads 1 s',
    async () => {
      const program = new URL('signalled-asker.ts', import.meta.url);
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGSTOP', 'SIGUSR2', 'SIGKILL'];
      const asker = ['dist/cli/main.js', 'check'];
      const results = await runProgram<Signalled[]>(
        program,
        [signals.join(), '1', ...asker],
        [...(network as string[]), ...asNobody],
        slowMs,
      );
      expect(results.map(({ signal }) => signal)).toEqual(signals);
      const goesOn = ['SIGTSTP', 'SIGSTOP'];
      for (const { signal, during, after, end } of results) {
        expect({ signal, end }).toEqual({ signal, end: goesOn.includes(signal) ? 2 : signal });
        expect(during).toBeGreaterThan(0);
        if (signal !== 'SIGKILL') expect({ signal, after }).toEqual({ signal, after: 0 });
      }
    },
  );
});
