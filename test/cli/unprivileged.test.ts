import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { tcpIteratorCve } from '../../src/host/options/tcp-iterator-cve.js';
import { freePort } from '../drivers/servers/server-program.js';
import { type Command, type Held, type Holder, startHolder } from '../host/options-holding.js';
import { moment } from '../kernel/observation.js';
import { ownNetwork } from '../program.js';
import { cannotRun } from '../requirement.js';
import { finished, program, runCli } from './run-cli.js';

const asNobody = 'setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all'.split(' ');
const [setpriv = '', ...flags] = asNobody;
const canRun =
  process.getuid?.() === 0 && spawnSync(setpriv, [...flags, process.execPath, program, '--version']).status === 0;

const runAsNobody = (...args: string[]) => finished(spawn(setpriv, [...flags, process.execPath, program, ...args]));

describe.skipIf(cannotRun(!canRun, 'it needs root, setpriv and a project that everyone may read'))(
  'without privileges',
  () => {
    let own: Holder;
    let foreign: Holder;
    let ownPort: number;
    let foreignPort: number;

    beforeAll(async () => {
      own = startHolder(asNobody);
      foreign = startHolder();
      // A port that the kernel chooses may be another test's as well, at another address.
      ownPort = await freePort();
      foreignPort = await freePort();
      const start = { do: 'start', families: ['IPv4'], connections: 3 } satisfies Command;
      await Promise.all([own.tell({ ...start, port: ownPort }), foreign.tell({ ...start, port: foreignPort })]);
    });
    afterAll(() => Promise.all([own?.end(), foreign?.end()]));

    const both = () => ['--port', `local:${ownPort},local:${foreignPort}`];
    const held = async (holder: Holder, name: string) => (await holder.tell({ do: 'look' })).get(name) as Held;

    const permission = expect.stringMatching(/^not permitted: run as root/);

    it('ls shows its own completely, of the others what the timers tell, and names the privilege that is missing', async () => {
      const { code, stdout } = await runAsNobody('ls', '--json', ...both(), '--state', 'established');
      const { connections, incomplete } = JSON.parse(stdout) as {
        connections: ConnectionJson[];
        incomplete: { what: string; why: string }[];
      };
      const at = (port: number) => connections.filter(({ local }) => local.port === port);
      expect(at(ownPort)).toHaveLength(3);
      for (const row of at(ownPort)) {
        expect(row).toMatchObject({ verdict: 'unprotected', keepAlive: { enabled: false }, process: { pid: own.pid } });
      }
      expect(at(foreignPort)).toHaveLength(3);
      for (const row of at(foreignPort)) {
        expect(row).toMatchObject({
          verdict: 'unprotected',
          keepAlive: { enabled: false, idle: null },
          process: null,
          detection: { quietMs: null, inFlightMs: null },
        });
      }
      expect(incomplete).toContainEqual({
        what: expect.stringMatching(/^the owners of the sockets of \d+ process/),
        why: expect.stringContaining('CAP_SYS_PTRACE'),
      });
      expect(incomplete).toContainEqual({
        what: 'the options of 3 connections',
        why: expect.stringContaining('not permitted: run as root'),
      });
      expect(incomplete).toContainEqual({
        what: "options through the kernel's TCP iterator",
        why: tcpIteratorCve() ?? expect.stringContaining('CAP_BPF and CAP_PERFMON'),
      });
      expect(code).toBe(0);
    });

    it('ls counts what it cannot judge, says why, and has an exit code for that', async () => {
      const table = await runAsNobody('ls', ...both());
      expect(table.stderr).toMatch(/^tcp-keepalive: not shown: the options of 4 connections \(.*\)$/m);
      expect(table.stdout).toMatch(/^6 connections: 6 unprotected\n1 listener: 1 unprotected$/m);
      expect(table.stdout).toMatch(/^1 listener could not be judged \(not permitted: run as root, or with CAP_/m);
      expect(table.code).toBe(3);
      expect(table.stderr).not.toContain('that the filters may mean');
      const foreign = ['--port', `local:${foreignPort}`];
      const { code, stdout } = await runAsNobody('ls', '--json', ...foreign, '--verdict', 'protected');
      expect(JSON.parse(stdout)).toMatchObject({
        connections: [],
        notJudged: { connections: 0, listeners: 1, reasons: [permission] },
        incomplete: expect.arrayContaining([{ what: '1 listener that the filters may mean', why: permission }]),
      });
      expect(code).toBe(3);
      const groups = await runAsNobody('ls', '--json', ...foreign, '--group', 'port');
      expect(JSON.parse(groups.stdout)).toMatchObject({ groups: [{ unprotected: 3 }], notJudged: { listeners: 1 } });
      expect(groups.code).toBe(3);
    });

    it('names only what the shown rows lack', async () => {
      const foreign = ['--port', `local:${foreignPort}`];
      const lacking = async (...args: string[]) => {
        const { stderr } = await runAsNobody(...args);
        return [/the owners of/, /the options of/, /TCP iterator/].map((what) => what.test(stderr));
      };
      expect(await lacking('ls', ...foreign)).toEqual([true, true, true]);
      expect(await lacking('ls', ...foreign, '--verdict', 'unprotected')).toEqual([true, false, false]);
      expect(await lacking('ls', ...foreign, '--state', 'established')).toEqual([true, false, false]);
      expect(await lacking('ls', ...foreign, '--state', 'established', '--group', 'port')).toEqual([
        false,
        false,
        false,
      ]);
      expect(await lacking('ls', ...foreign, '--state', 'established', '--group', 'process')).toEqual([
        true,
        false,
        false,
      ]);
      expect(await lacking('ls', '--port', `local:${ownPort}`)).toEqual([false, false, false]);
      expect(await lacking('check', ...foreign)).toEqual([true, false, false]);
      expect(await lacking('set', '30:5:3', ...foreign, '--dry-run')).toEqual([false, false, false]);
    });

    it('ls cannot tell a verdict by the timers alone where keepalive is on, and never says that there is none', async () => {
      await foreign.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle: 30_000, interval: 5000, count: 3 } });
      const { remotePort } = await held(foreign, 'IPv4 1 server');
      const end = ['--port', `remote:${remotePort}`, '--state', 'established'];
      const [shown, filtered, unprotected] = await Promise.all(
        [[], ['--verdict', 'protected'], ['--verdict', 'unprotected']].map((filter) =>
          runAsNobody('ls', '--json', ...end, ...filter),
        ),
      );
      expect(shown?.code).toBe(3);
      expect(JSON.parse(shown?.stdout ?? '')).toMatchObject({
        connections: [{ keepAlive: { enabled: true, idle: null }, verdict: null, detection: null }],
        notJudged: { connections: 1 },
      });
      expect(filtered?.code).toBe(3);
      expect(JSON.parse(filtered?.stdout ?? '')).toMatchObject({ connections: [], notJudged: { connections: 1 } });
      // That it is not unprotected is known.
      expect(unprotected?.code).toBe(0);
      expect(JSON.parse(unprotected?.stdout ?? '')).toMatchObject({ connections: [], notJudged: { connections: 0 } });
      await foreign.tell({ do: 'set', name: 'IPv4 1 server', policy: false });
    });

    it.each(['--pid', '--process'])('%s of a process that may not be looked at is not answered by none', async (by) => {
      const value = by === '--pid' ? `${foreign.pid}` : readFileSync(`/proc/${foreign.pid}/comm`, 'utf8').trim();
      const there = ['--port', `local:${foreignPort}`, by, value];
      const listed = await runAsNobody('ls', '--json', ...there, '--state', 'established');
      expect(JSON.parse(listed.stdout)).toMatchObject({
        connections: [],
        notJudged: { connections: 3, listeners: 0, reasons: [permission] },
      });
      expect(listed.code).toBe(3);
      const fast = await runAsNobody('ls', '--fast', ...there);
      expect(fast.stdout).toMatch(/^0 connections\n3 connections and 1 listener could not be judged \(not permitted/m);
      expect(fast.code).toBe(3);
      const checked = await runAsNobody('check', ...there);
      expect(checked.stdout).toMatch(
        /^no connection matches of those that could be judged\n3 connections and 1 listener could not/,
      );
      expect(checked.code).toBe(3);
      const before = (await held(foreign, 'IPv4 1 server')).state;
      const set = await runAsNobody('set', '30:5:3', '--json', ...there);
      expect(JSON.parse(set.stdout)).toMatchObject({
        changed: [],
        failed: [],
        undecided: { connections: 3, listeners: 1, reasons: [permission] },
      });
      expect(set.code).toBe(3);
      expect((await held(foreign, 'IPv4 1 server')).state).toEqual(before);
      const other = await runAsNobody('ls', '--port', `local:${foreignPort}`, '--pid', `${own.pid}`);
      expect(other).toMatchObject({ code: 1, stdout: expect.stringMatching(/^0 connections\n$/m) });
      expect(other.stderr).toContain('tcp-keepalive: no connection matches --pid and --port together\n');
    });

    it('ls of nothing but its own has nothing to add', async () => {
      const { code, stdout } = await runAsNobody('ls', '--json', '--port', `local:${ownPort}`);
      expect(JSON.parse(stdout)).toMatchObject({ connections: { length: 4 }, incomplete: [] });
      expect(code).toBe(0);
    });

    it('set changes its own, names each of the others with the reason, and has exit code 2', async () => {
      const before = (await held(foreign, 'IPv4 1 server')).state;
      const state = ['--state', 'established'];
      const { code, stdout } = await runAsNobody('set', '30:5:3', '--json', ...both(), ...state);
      const { changed, failed } = JSON.parse(stdout);
      expect(changed).toHaveLength(3);
      expect(failed).toHaveLength(3);
      for (const { local, error } of failed) {
        expect(local.port).toBe(foreignPort);
        expect(error).toMatch(/not permitted: run as root/);
      }
      expect(code).toBe(2);
      expect((await held(own, 'IPv4 2 server')).state).toMatchObject({ enabled: true, idle: 30_000, count: 3 });
      expect((await held(foreign, 'IPv4 1 server')).state).toEqual(before);
      const table = await runAsNobody('set', '--off', ...both(), ...state);
      expect(table.stdout).toMatch(/^LOCAL +REMOTE +NOT CHANGED, BECAUSE$/m);
      expect(table.stdout).toMatch(/\n3 connections changed, 3 connections not\n$/);
      expect(table.code).toBe(2);
    });

    it('set --undo does not take for ended what is in a network namespace that may not be entered', async () => {
      const network = ownNetwork();
      if (network === undefined) throw new Error('root may unshare a network namespace');
      const there = startHolder(network);
      const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-undo-'));
      onTestFinished(async () => {
        await there.end();
        rmSync(folder, { recursive: true });
      });
      await there.tell({ do: 'start', families: ['IPv4'], connections: 2 });
      const before = (await held(there, 'IPv4 1 server')).state;
      const netns = ['--netns', `${statSync(`/proc/${there.pid}/ns/net`).ino}`, '--pid', `${there.pid}`];
      const file = join(folder, 'record.json');
      expect((await runCli('set', '30:5:3', ...netns, '--record', file)).code).toBe(0);
      chmodSync(folder, 0o755);
      chmodSync(file, 0o644);
      const refused = await runAsNobody('set', '--undo', file, '--json');
      expect(refused.stderr).toMatch(
        /^tcp-keepalive: 5 of the changed connections could not be looked for: run it as root$/m,
      );
      expect(refused.code, refused.stderr).toBe(3);
      expect(JSON.parse(refused.stdout)).toMatchObject({ changed: [], failed: [], gone: 0, unknown: 5 });
      const undone = await runCli('set', '--undo', file, '--json');
      expect(JSON.parse(undone.stdout)).toMatchObject({ changed: { length: 5 }, failed: [], gone: 0, unknown: 0 });
      expect(undone.code).toBe(0);
      expect((await held(there, 'IPv4 1 server')).state).toEqual(before);
      await there.end();
      const ended = await runCli('set', '--undo', file, '--json');
      expect(JSON.parse(ended.stdout)).toMatchObject({ changed: [], failed: [], gone: 5, unknown: 0 });
      expect(ended.code).toBe(0);
    });

    it('check --reap closes the silent through the keepalive of the kernel', async () => {
      await own.tell({ do: 'set', name: 'IPv4 3 server', policy: { idle: 60_000, interval: 5000, count: 9 } });
      const before = await held(own, 'IPv4 3 server');
      await own.tell({ do: 'crash', name: 'IPv4 3 client' });
      const quiet = performance.now() + 1100;
      await moment(() => performance.now() > quiet, 'some quiet');
      const end = ['--port', `remote:${before.remotePort}`, '--pid', `${own.pid}`];
      const { code, stdout } = await runAsNobody('check', '--json', '--reap', '--yes', ...end);
      expect(JSON.parse(stdout).peers).toMatchObject([{ answer: 'silent', reaped: 'expired' }]);
      expect(code).toBe(0);
      expect(await held(own, 'IPv4 3 server')).toMatchObject({ ended: 'ETIMEDOUT' });
      expect((await held(own, 'IPv4 1 server')).ended).toBeUndefined();
    });
  },
);
