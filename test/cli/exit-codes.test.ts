import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../drivers/servers/server-program.js';
import { type Holder, startHolder } from '../host/options-holding.js';
import { moment } from '../kernel/observation.js';
import { cannotRun } from '../requirement.js';
import { type Finished, finished, program, runCli } from './run-cli.js';

const [setpriv = '', ...flags] =
  'setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all'.split(' ');
const canDrop =
  process.getuid?.() === 0 && spawnSync(setpriv, [...flags, process.execPath, program, '--version']).status === 0;

let holder: Holder;
let port: number;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-codes-'));
  holder = startHolder();
  port = await freePort();
  await holder.tell({ do: 'start', families: ['IPv4'], connections: 3, port });
  // One peer is silent, and has been for long enough to be asked.
  await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle: 600_000, interval: 5000, count: 9 } });
  await holder.tell({ do: 'crash', name: 'IPv4 1 client' });
  const quiet = performance.now() + 1200;
  await moment(() => performance.now() > quiet, 'some quiet');
});
afterAll(async () => {
  await holder.end();
  rmSync(folder, { recursive: true });
});

const record = () => path.join(folder, 'record.json');

/** A command line, in which `HERE` stands for the filters of the test's own sockets, and the exit code of each case. */
const cases: readonly [command: string, code: number][] = [
  ['ls HERE', 0],
  ['ls HERE --verdict slow --within 1h', 0],
  ['ls HERE --fail-on slow --within 1h', 0],
  ['ls HERE --fail-on unprotected', 2],
  ['ls HERE --fail-on slow,unprotected --json', 2],
  ['ls HERE --fail-on slow --fail-on unprotected --group port', 2],
  ['ls HERE --fail-on slow', 2],
  ['ls HERE --fail-on', 1],
  ['ls HERE --fail-on unprotectd', 1],
  ['ls HERE --fail-on protected', 1],
  ['ls HERE --fail-on slow --fast', 1],
  ['ls HERE --process no-such-program --fail-on unprotected', 1],
  ['ls HERE --remote 10.9.9.9', 1],
  ['ls --port 0', 1],
  ['ls --no-such-option', 1],
  ['set 30:5:3 HERE --state listen --quiet', 0],
  ['set 30:5:3 HERE --state listen', 0],
  ['set 30:5:3 HERE --remote 10.9.9.9', 1],
  ['set 30:5:3 HERE --verdict slow --within 1h', 0],
  ['set 30:5:3 HERE --verdict slow --within 1h --process no-such-program', 1],
  ['set 30:5 HERE', 1],
  ['set HERE', 1],
  ['set --count 3 --off HERE', 1],
  ['set 30:5:3 --count 3 HERE', 1],
  ['set 30:5:3 --quiet --json HERE', 1],
  ['set 30:5:3 --quiet --verbose HERE', 1],
  ['set --undo /no/such/file', 1],
  ['check HERE --timeout 500ms', 2],
  ['check HERE --timeout 500ms --quiet', 2],
  ['check HERE --remote 10.9.9.9', 1],
  ['check HERE --verdict slow --within 1h', 0],
  ['check HERE --yes', 1],
  ['check --quiet --json HERE', 1],
  ['defaults', 0],
  ['defaults --json', 0],
  ['defaults unknown', 1],
  ['defaults set', 1],
  ['defaults set 0:1:1 --dry-run', 1],
  ['demo --policy 0:1:1', 1],
  ['nat 127.0.0.1:PORT --min 1s --max 2s', 0],
  ['nat 127.0.0.1', 1],
  ['nat 127.0.0.1:1', 1],
  ['plan --detect-within 45s --behind azure-lb', 0],
  ['plan --detect-within 5s --tolerate 20s', 3],
  ['plan --detect-within 5s --tolerate 20s --json', 3],
  ['plan --behind aws-nbl', 1],
  ['plan', 1],
  ['export 30:5:3:auto --to redis', 0],
  ['export --from redis tcp-keepalive', 1],
  ['export --list', 0],
  ['export 30:5:3 --to redist', 1],
  ['--version', 0],
  ['--help', 0],
  ['ls --help', 0],
  ['no-such-verb', 1],
  ['', 1],
];

const argumentsOf = (command: string) =>
  command
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replace('PORT', `${port}`))
    .flatMap((word) => (word === 'HERE' ? ['--port', `local:${port}`, '--pid', `${holder.pid}`] : [word]));

describe('the exit code', () => {
  it.each(cases)('of %j is %i, and every refusal is said on standard error', async (command, code) => {
    const done = await runCli(...argumentsOf(command));
    expect(done.code, done.stderr).toBe(code);
    if (code === 1) expect(done.stderr).toMatch(command === '' ? /^Usage: / : /^tcp-keepalive: .+\n/);
  });

  it('of --quiet is that without it, and nothing is on standard output', async () => {
    for (const verb of ['set 30:5:3 HERE --state listen --quiet', 'check HERE --timeout 500ms --quiet']) {
      expect(await runCli(...argumentsOf(verb))).toMatchObject({ stdout: '', stderr: '' });
    }
  });

  it('of --undo is that of a change, and 1 if every connection was changed again since', async () => {
    const set = argumentsOf('set 31:5:3 HERE --state listen');
    expect((await runCli(...set, '--record', record())).code).toBe(0);
    await runCli(...argumentsOf('set 32:5:3 HERE --state listen'));
    const undo = await runCli('set', '--undo', record());
    expect(undo.stdout).toMatch(/\n0 connections changed, 1 listener not\n$/);
    expect(undo.code).toBe(1);
    await runCli(...argumentsOf('set 31:5:3 HERE --state listen'));
    expect((await runCli('set', '--undo', record())).code).toBe(0);
  });

  it('is documented, for every verb, in one page that every help names', async () => {
    const page = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8');
    for (const verb of ['ls', 'set', 'check', 'explain', 'plan', 'defaults', 'defaults set', 'demo', 'nat', 'export']) {
      const { stdout } = await runCli(...verb.split(' '), '--help');
      expect(stdout, verb).toMatch(/Exit code: 0 [^$]*All\s+verbs:\s+docs\/exit-codes\.md/);
      expect(page, verb).toContain(`| \`${verb}\``);
      expect(Math.max(...stdout.split('\n').map((line) => line.length)), verb).toBeLessThanOrEqual(80);
    }
  });
});

describe.skipIf(cannotRun(!canDrop, 'it needs root, setpriv and a project that everyone may read'))(
  'the exit code without privileges',
  () => {
    const runAsNobody = (command: string): Promise<Finished> =>
      finished(spawn(setpriv, [...flags, process.execPath, program, ...argumentsOf(command)]));

    it.each<[string, number, RegExp]>([
      ['ls HERE', 3, /could not be judged|not shown/],
      ['ls HERE --process node --fail-on unprotected', 3, /not shown/],
      // Only the listener is not known, and a fault is worse.
      ['ls --port local:PORT --fail-on unprotected', 2, /not shown/],
      ['ls --port local:PORT --fail-on slow', 3, /not shown/],
      ['set 30:5:3 --port local:PORT --state established', 1, /NOT CHANGED, BECAUSE[\s\S]*not permitted/],
      ['set 30:5:3 --port local:PORT --state established --quiet', 1, /3 sockets not changed: .*not permitted/],
      ['set 30:5:3 --port local:PORT --dry-run', 1, /NOT CHANGED, BECAUSE[\s\S]*not permitted/],
      ['set 30:5:3 HERE', 3, /could not be judged/],
      ['check --port local:PORT --timeout 300ms', 3, /not shown/],
      ['check --port local:PORT --timeout 300ms --quiet', 3, /not asked: 3 peers: /],
      ['defaults set 600:30:5', 1, /nothing was changed: not permitted/],
      ['defaults set 600:30:5 --dry-run', 1, /^/],
    ])('of %j is %i', async (command, code, says) => {
      const done = await runAsNobody(command.replace('PORT', `${port}`));
      expect(done.stdout + done.stderr).toMatch(says);
      expect(done.code, done.stdout + done.stderr).toBe(code);
      expect(done.stdout === '').toBe(command.includes('--quiet'));
    });

    it('check says a remedy once', async () => {
      const { stdout } = await runAsNobody(`check --port local:${port} --timeout 300ms`);
      expect(stdout.replace(/\s+/g, ' ')).toMatch(/not asked: 3 peers: .*run as root, or with CAP_\w+ and CAP_\w+ $/);
    });
  },
);

it('a record that is cut off is told from an output that is, by what each means', async () => {
  const refusal = async (text: string) => {
    writeFileSync(record(), text);
    const { code, stdout, stderr } = await runCli('set', '--undo', record());
    expect([code, stdout]).toEqual([1, '']);
    return stderr;
  };
  await runCli(...argumentsOf('set 33:5:3 HERE --state listen'));
  rmSync(record(), { force: true });
  const { stdout: output } = await runCli(...argumentsOf('set 34:5:3 HERE --state listen --json'));
  await runCli(...argumentsOf('set 35:5:3 HERE --state listen'), '--record', record());
  const kept = readFileSync(record(), 'utf8');
  expect(await refusal(kept.slice(0, -20))).toMatch(/cut off; if `set --record` was ended .*, nothing was changed\n$/);
  expect(await refusal(output.slice(0, -20))).toMatch(/cut off: what `set --json` changed .* is not known/);
  expect(await refusal(output.slice(0, -20))).not.toContain('nothing was changed');
  expect(await refusal('')).toMatch(
    /empty: `set --record` changes nothing before .*`set --json` changed .* not known\n$/,
  );
  expect(await refusal('{"changed":[]}')).toMatch(/other JSON: a text `bootId` is missing\n$/);
  expect(await refusal('{"bootId":"x"}')).toMatch(/other JSON: a list `changed` is missing\n$/);
  expect(await refusal('{"bootId":"x","changed":[{}]}')).toMatch(
    /item 1 of its list `changed` lacks a part of a change/,
  );
});
