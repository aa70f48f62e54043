import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iteratorFlaw } from '../../src/host/options/iterator-flaw.js';
import type { ConnectionJson } from '../../src/host/row.js';
import { freePort } from '../drivers/servers/server-program.js';
import { type Command, type Held, type Holder, startHolder } from '../host/options-holding.js';
import { moment } from '../kernel/observation.js';
import { cannotRun } from '../requirement.js';
import { finished, program } from './run-cli.js';

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

    it('ls shows its own completely, the others without options, and names the privilege that is missing', async () => {
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
      for (const row of at(foreignPort)) expect(row).toMatchObject({ verdict: null, keepAlive: null, process: null });
      expect(incomplete).toContainEqual({
        what: expect.stringMatching(/^the owners of the sockets of \d+ process/),
        why: expect.stringContaining('CAP_SYS_PTRACE'),
      });
      expect(incomplete).toContainEqual({ what: 'the options of 3 connections', why: expect.any(String) });
      expect(incomplete).toContainEqual({
        what: "options through the kernel's TCP iterator",
        why: iteratorFlaw() ?? expect.stringContaining('CAP_BPF and CAP_PERFMON'),
      });
      expect(code).toBe(0);
      const table = await runAsNobody('ls', ...both());
      expect(table.stderr).toMatch(/^not shown: the options of 4 connections \(.*\)$/m);
      expect(table.code).toBe(0);
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
        expect(error).toMatch(/no process is known that has it open/);
      }
      expect(code).toBe(2);
      expect((await held(own, 'IPv4 2 server')).state).toMatchObject({ enabled: true, idle: 30_000, count: 3 });
      expect((await held(foreign, 'IPv4 1 server')).state).toEqual(before);
      const table = await runAsNobody('set', '--off', ...both(), ...state);
      expect(table.stdout).toMatch(/^LOCAL +REMOTE +NOT CHANGED, BECAUSE$/m);
      expect(table.stdout).toMatch(/\n3 connections changed, 3 connections not\n$/);
      expect(table.code).toBe(2);
    });

    it('check --reap closes the silent through the keepalive of the kernel', async () => {
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
