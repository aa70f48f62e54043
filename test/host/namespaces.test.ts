import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reapPeers } from '../../src/host/check/reap.js';
import { allStates, currentNamespace, dumpConnections } from '../../src/host/dump/dump.js';
import { listConnections } from '../../src/host/list/list.js';
import { networkNamespaces } from '../../src/host/namespaces/network-namespaces.js';
import { SystemCallError } from '../../src/index.js';
import { inNetworkNamespace, ownNamespacePath } from '../../src/native/network-namespace.js';
import { openDescriptors } from '../../src/native/owned-descriptor.js';
import { loopbackPair } from '../../src/testing/index.js';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import { compareWithSs } from './comparison.js';
import type { NamedNamespaceResult } from './named-namespace.js';
import { otherNamespace } from './other-namespace.js';
import type { UnprivilegedResult } from './unprivileged.js';

const canMake = spawnSync('unshare', ['--net', '--mount', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const withoutNamespaces = cannotRun(!canMake, 'making namespaces needs root, util-linux and iproute2');

function errorOf(action: () => unknown): SystemCallError {
  try {
    action();
  } catch (error) {
    return error as SystemCallError;
  }
  throw new Error('nothing was thrown');
}

describe('a network namespace of others', () => {
  it.skipIf(withoutNamespaces)('is dumped, and this process is back in its own', async () => {
    const other = await otherNamespace();
    const { ino } = statSync(other.path);
    const here = currentNamespace();
    for (const target of [other.pid, other.path]) {
      const { connections } = dumpConnections({ states: allStates, netns: target });
      const ends = connections.map(({ local, remote, netns }) => [local.port, remote.port, netns]);
      expect(ends.sort()).toEqual(
        [
          [other.serverPort, 0, ino],
          [other.serverPort, other.clientPort, ino],
          [other.clientPort, other.serverPort, ino],
        ].sort(),
      );
      expect(currentNamespace()).toBe(here);
    }
    const own = dumpConnections({ states: allStates }).connections;
    expect(own.some(({ local, remote }) => local.port === other.serverPort && remote.port === other.clientPort)).toBe(
      false,
    );
  });

  it.skipIf(withoutNamespaces)('has the sockets that ss lists there', async () => {
    const other = await otherNamespace();
    const { compared, values } = compareWithSs(other.path);
    expect(compared).toHaveLength(3);
    expect(compared.filter(({ timer }) => timer?.kind === 'keepalive')).toHaveLength(1);
    expect(values).toBeGreaterThan(20);
  });

  it.skipIf(withoutNamespaces)('is left when the action throws, with nothing left open', async () => {
    const other = await otherNamespace();
    const here = currentNamespace();
    const before = openDescriptors().size;
    const failure = new Error('in the other namespace');
    const throwing = () => {
      expect(currentNamespace()).toBe(statSync(other.path).ino);
      throw failure;
    };
    expect(errorOf(() => inNetworkNamespace(other.pid, throwing))).toBe(failure);
    expect(currentNamespace()).toBe(here);
    expect(openDescriptors().size).toBe(before);
  });
});

describe('a namespace that cannot be entered', () => {
  it.skipIf(withoutNamespaces)('takes its connections along, and nobody else’s', async () => {
    using pair = await loopbackPair();
    const other = await otherNamespace();
    const netns = [currentNamespace(), statSync(other.path).ino];
    const ports = [other.serverPort, pair.server.localPort as number];
    const port = ports.map((first) => ({ end: 'local' as const, first, last: first }));
    const selection = { netns, port, pid: [process.pid, other.pid], state: ['ESTABLISHED'] as const };
    const { rows } = listConnections({ selection, allNetns: true });
    expect(new Set(rows.map(({ connection }) => connection.netns))).toEqual(new Set(netns));
    await other.end();
    const peers = rows.map((row) => ({ row, answer: 'silent' as const, elapsedMs: 1, askedAt: performance.now() }));
    const reaped = await reapPeers(peers);
    const outcomes = reaped.map(({ row, outcome }) => [row.connection.netns === netns[1], outcome]);
    expect(new Map(outcomes as [boolean, string][])).toEqual(
      new Map([
        [true, 'gone'],
        [false, 'destroyed'],
      ]),
    );
    expect(reaped).toHaveLength(2);
  });

  const never = () => {
    throw new Error('the action ran');
  };

  it('is gone', () => {
    const error = errorOf(() => inNetworkNamespace('/run/netns/is/not/there', never));
    expect(error).toBeInstanceOf(SystemCallError);
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open' });
    expect(error.message).toMatch(/the process has ended or the name was removed/);
    expect(errorOf(() => inNetworkNamespace(2 ** 22 + 1, never)).code).toBe('ENOENT');
  });

  it('is something else', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'namespace-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    const pipe = path.join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const here = currentNamespace();
    for (const target of [file, folder, pipe, '/proc/self/ns/uts']) {
      expect(errorOf(() => inNetworkNamespace(target, never))).toMatchObject({ code: 'EINVAL', syscall: 'setns' });
    }
    expect(currentNamespace()).toBe(here);
  });

  it.skipIf(withoutNamespaces)('belongs to others, and the message says what it takes', async () => {
    const program = new URL('unprivileged.ts', import.meta.url);
    const result = await runProgram<UnprivilegedResult>(program, [String(process.pid)]);
    expect(result.foreignNamespace).toMatch(/EACCES.*CAP_SYS_PTRACE/);
    expect(result.ownNamespace).toMatch(/EPERM.*CAP_SYS_ADMIN/);
    expect(result.incomplete).toContainEqual({
      what: expect.stringMatching(/^the network namespaces of \d+ processes$/),
      why: expect.stringContaining('CAP_SYS_PTRACE'),
    });
    expect(result.listed).toBe(1);
    expect(result.destroyed).toEqual([
      { outcome: 'failed', code: 'EPERM', message: expect.stringMatching(/CAP_NET_ADMIN/) },
    ]);
  });
});

const cannotUnshareUser = cannotRun(
  spawnSync('unshare', ['-Ur', 'unshare', '-n', 'true']).status !== 0,
  'it needs user namespaces',
);

it.skipIf(cannotUnshareUser)(
  'a namespace made in a user namespace is not entered, because there is no way back',
  () => {
    const program = fileURLToPath(new URL('programs/enter-from-user-namespace.mjs', import.meta.url));
    const script = `unshare -n sleep 60 & while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
    '${process.execPath}' '${program}' $!; kill $!`;
    const { stdout, stderr } = spawnSync('unshare', ['-Ur', 'bash', '-c', script], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).toBe('');
    const { before, after, why } = JSON.parse(stdout);
    expect(after).toBe(before);
    expect(why).toMatch(/^setns: EPERM, there would be no way back/);
  },
);

describe('the namespaces of the machine', () => {
  it('begin with this process’s own, each once', () => {
    const { namespaces } = networkNamespaces();
    expect(namespaces[0]).toMatchObject({ inode: currentNamespace(), path: ownNamespacePath, isOwn: true });
    expect(namespaces.filter(({ isOwn }) => isOwn)).toHaveLength(1);
    expect(new Set(namespaces.map(({ inode }) => inode)).size).toBe(namespaces.length);
  });

  it.skipIf(withoutNamespaces)('include those of processes, with a path that opens them', async () => {
    const other = await otherNamespace();
    const { ino } = statSync(other.path);
    const found = networkNamespaces().namespaces.find(({ inode }) => inode === ino);
    expect(found).toEqual({ inode: ino, path: other.path, name: undefined, pid: other.pid, isOwn: false });
    const { connections } = dumpConnections({ states: ['LISTEN'], netns: found?.path as string });
    expect(connections.map(({ local }) => local.port)).toEqual([other.serverPort]);
  });

  it.skipIf(withoutNamespaces)('include those with a name and no process', async () => {
    const program = new URL('named-namespace.ts', import.meta.url);
    const prefix = ['unshare', '--net', '--mount'];
    const { found, inode, dumped } = await runProgram<NamedNamespaceResult>(program, [], prefix);
    const named = found.namespaces.filter((namespace) => namespace.inode === inode);
    expect(named).toEqual([{ inode, path: '/run/netns/probe', name: 'probe', isOwn: false }]);
    expect(dumped).toEqual([]);
    expect(found.incomplete).toContainEqual({
      what: 'the namespace /run/netns/stale',
      why: 'the file is not a namespace any more',
    });
  });
});
