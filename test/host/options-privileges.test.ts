import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Omission } from '../../src/host/list/connection.js';
import { probeTcpIterator } from '../../src/host/options/choice.js';
import type { KeepAliveState } from '../../src/index.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import { type Held, type Holder, startHolder } from './options-holding.js';

interface Outsider {
  readonly method: string;
  readonly refused: Omission[];
  readonly incomplete: Omission[];
  readonly read: boolean[];
  readonly errors: (string | null)[];
  readonly own: KeepAliveState;
}

interface Namespace {
  readonly size: number;
  readonly same: boolean[];
  readonly client: KeepAliveState;
  readonly elsewhere: KeepAliveState | null;
  readonly errors: (string | null)[];
  readonly after: KeepAliveState[];
}

/** Runs a command as nobody. */
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
const isRoot = process.getuid?.() === 0;
const canBeNobody = isRoot && spawnSync('setpriv', [...asNobody.slice(1), process.execPath, '--version']).status === 0;

let holder: Holder;
let socket: Held;
beforeAll(async () => {
  holder = startHolder();
  const sockets = await holder.tell({ do: 'start', families: ['IPv4'], connections: 1 });
  socket = sockets.get('IPv4 1 client') as Held;
});
afterAll(() => holder.end());

const stateNow = async () => (await holder.tell({ do: 'look' })).get(socket.name)?.state;

describe('without privileges', () => {
  it.skipIf(cannotRun(!canBeNobody, 'it needs root and setpriv'))(
    "takes copies of its own user's descriptors, and names the reason for those of others",
    async () => {
      const program = new URL('options-outsider.ts', import.meta.url);
      const args = [String(holder.pid), String(socket.fd), socket.cookie];
      const result = await runProgram<Outsider>(program, args, asNobody);
      expect(result.method).toBe('descriptor-copies');
      expect(result.refused).toEqual([
        {
          what: "options through the kernel's TCP iterator",
          why: expect.stringMatching(/EPERM.*CAP_BPF and CAP_PERFMON|CVE-2026-74714/),
        },
      ]);
      expect(result.read).toEqual([false, true]);
      expect(result.incomplete).toEqual([
        {
          what: `the options of 1 connection of process ${holder.pid}`,
          why: expect.stringMatching(/^pidfd_getfd: EPERM, .*CAP_SYS_PTRACE/),
        },
      ]);
      expect(result.errors).toEqual([expect.stringMatching(/^pidfd_getfd: EPERM/), null]);
      expect(result.own).toMatchObject({ enabled: true, idle: 30_000, interval: 5000, count: 3 });
      expect(await stateNow()).toEqual(socket.state);
    },
  );
});

describe('with the capabilities for BPF programs alone', () => {
  const withBpf = [
    'setpriv',
    '--reuid=65534',
    '--clear-groups',
    '--inh-caps=+bpf,+perfmon',
    '--ambient-caps=+bpf,+perfmon',
  ];
  const canHaveBpf = isRoot && spawnSync('setpriv', [...withBpf.slice(1), process.execPath, '--version']).status === 0;

  it.skipIf(cannotRun(!canHaveBpf, 'it needs root and setpriv'))(
    'looks at all open sockets where copies are not permitted',
    async () => {
      const program = new URL('options-outsider.ts', import.meta.url);
      const args = [String(holder.pid), String(socket.fd), socket.cookie];
      const result = await runProgram<Outsider>(program, args, withBpf);
      expect(result.read).toEqual([true, true]);
      expect(result.incomplete).toEqual([]);
      expect(result.errors).toEqual([expect.stringMatching(/^pidfd_getfd: EPERM/), null]);
    },
  );
});

describe('in a network namespace', () => {
  const { source, capability } = probeTcpIterator();
  source?.[Symbol.dispose]();
  const network = ownNetwork();
  const reason = capability.answer === 'yes' ? 'it needs root' : capability.why;

  it.skipIf(cannotRun(!isRoot || capability.answer !== 'yes' || network === undefined, reason))(
    'shows and sets the sockets of that namespace, and no other',
    async () => {
      const result = await runProgram<Namespace>(
        new URL('options-namespace.ts', import.meta.url),
        [socket.cookie],
        network,
      );
      expect(result.size).toBe(3);
      expect(result.same).toEqual([true, true, true]);
      expect(result.client).toEqual({ enabled: true, idle: 11_000, interval: 12_000, count: 13, userTimeout: 0 });
      expect(result.elsewhere).toBeNull();
      expect(result.errors).toEqual([null, null, null, expect.stringContaining('not in this network namespace')]);
      for (const state of result.after) expect(state).toMatchObject({ enabled: true, interval: 5000, count: 3 });
      expect(await stateNow()).toEqual(socket.state);
    },
  );
});
