import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeepAliveState } from '../../src/index.js';
import { type Held, type Holder, startHolder } from '../host/options-holding.js';
import { hasRtoMax } from '../kernel/descriptor.js';
import { cannotRun } from '../requirement.js';
import { runCli } from './run-cli.js';

const article: KeepAliveState = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };

let holder: Holder;
let folder: string;
let sockets: Map<string, Held>;
let count = 0;

beforeAll(async () => {
  holder = startHolder();
  await holder.tell({ do: 'start', families: ['IPv4'], connections: 0 });
});
afterAll(() => holder.end());

// Each test has two connections of its own, which the other process made.
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-set-'));
  count += 1;
  await holder.tell({ do: 'connect', name: `a${count}`, to: 'IPv4 listener', host: '127.0.0.1' });
  sockets = await holder.tell({ do: 'connect', name: `b${count}`, to: 'IPv4 listener', host: '127.0.0.1' });
});
afterEach(() => rmSync(folder, { recursive: true }));

const find = (name: string): Held => {
  const socket = sockets.get(name === 'listener' ? 'IPv4 listener' : name.replace(/^./, `$&${count}`));
  if (socket === undefined) throw new Error(`the process holds no '${name}'`);
  return socket;
};

/** What the process itself reads of a socket now. */
async function stateOf(name: string): Promise<KeepAliveState> {
  sockets = await holder.tell({ do: 'look' });
  return find(name).state;
}

/** The filters that mean one end of a connection and no other. */
const end = (name: string) => ['--pid', `${holder.pid}`, '--port', `local:${find(name).localPort}`];

async function set(...args: string[]) {
  const { code, stdout, stderr } = await runCli('set', '--json', ...args);
  return { code, stderr, json: stdout === '' ? undefined : JSON.parse(stdout) };
}

describe('tcp-keepalive set', () => {
  it('changes the live connection of another process that is selected, and no other', async () => {
    const before = await stateOf('a client');
    const flags = holder.flagsOf(find('a client').fd);
    const descriptors = holder.descriptorCount();
    const others = [...sockets.values()].filter(({ name }) => name !== find('a client').name);
    const { code, stderr, json } = await set('30:5:3', ...end('a client'));
    expect(stderr).toBe('');
    expect(json).toMatchObject({
      changed: [
        {
          local: { address: '127.0.0.1', port: find('a client').localPort },
          remote: { address: '127.0.0.1', port: find('listener').localPort },
          before,
          after: article,
        },
      ],
      failed: [],
    });
    expect(code).toBe(0);
    expect(await stateOf('a client')).toEqual(article);
    for (const { name, state } of others) expect(sockets.get(name)?.state, name).toEqual(state);
    expect(holder.flagsOf(find('a client').fd)).toBe(flags);
    // Files and threads with which it was loaded may be closed meanwhile.
    expect(holder.descriptorCount()).toBeLessThanOrEqual(descriptors);
  });

  it('sets a listener, whose later connections inherit it, and --state leaves listeners out', async () => {
    const port = ['--pid', `${holder.pid}`, '--port', `local:${find('listener').localPort}`];
    const before = await stateOf('listener');
    expect((await set('41:5:3', ...port, '--state', 'established')).code).toBe(0);
    expect(await stateOf('listener')).toEqual(before);
    const dry = await runCli('set', '40:5:3', ...port, '--dry-run');
    expect(dry.stdout).toMatch(/\d+ connections? and 1 listener would be changed/);
    expect((await set('40:5:3', ...port, '--state', 'listen')).json.changed).toHaveLength(1);
    sockets = await holder.tell({ do: 'connect', name: `c${count}`, to: 'IPv4 listener', host: '127.0.0.1' });
    expect(find('c server').state).toEqual({ ...article, idle: 40_000 });
    expect(find('a server').state).toMatchObject({ idle: 41_000 });
  });

  it('takes a user timeout, also as auto, and leaves one that is there where none is given', async () => {
    expect((await set('30:5:3:auto', ...end('a client'))).code).toBe(0);
    expect(await stateOf('a client')).toEqual({ ...article, userTimeout: 45_000 });
    expect((await set('31:5:3', ...end('a client'))).code).toBe(0);
    expect(await stateOf('a client')).toEqual({ ...article, idle: 31_000, userTimeout: 45_000 });
  });

  it('turns keepalive off with --off', async () => {
    await set('30:5:3', ...end('a client'));
    const { code, json } = await set('--off', ...end('a client'));
    expect(json.changed).toMatchObject([{ before: article, after: { ...article, enabled: false } }]);
    expect(code).toBe(0);
    expect(await stateOf('a client')).toEqual({ ...article, enabled: false });
  });

  it('changes nothing with --dry-run and shows what would be', async () => {
    const before = await stateOf('a client');
    const record = join(folder, 'record.json');
    const { code, json, stderr } = await set('30:5:3', ...end('a client'), '--dry-run', '--record', record);
    expect(stderr).toBe(`tcp-keepalive: --dry-run changes nothing, so that ${record} was not written\n`);
    expect(json.changed).toMatchObject([{ before, after: { ...article, userTimeout: before.userTimeout } }]);
    expect(code).toBe(0);
    expect(await stateOf('a client')).toEqual(before);
    expect(existsSync(record)).toBe(false);
    const table = await runCli('set', '30:5:3', ...end('a client'), '--dry-run');
    expect(table.stdout).toMatch(/^LOCAL +REMOTE +BEFORE +AFTER\n.* off +30:5:3\n\n1 connection would be changed\n$/);
  });

  it('prints before and after of each', async () => {
    await set('600:5:3', ...end('a client'));
    const { code, stdout } = await runCli('set', '30:5:3:auto', ...end('a client'));
    expect(stdout).toMatch(/^LOCAL +REMOTE +BEFORE +AFTER\n.* 600:5:3 +30:5:3:auto\n\n1 connection changed\n$/);
    expect(code).toBe(0);
  });

  it.each([
    [['30:5:3'], /say which connections/],
    [['30:5:3', '--all-netns'], /say which connections/],
    [['--pid', '1'], /missing argument 'policy'/],
    [['30:5', '--pid', '1'], /idle:interval:count/],
    [['off', '--pid', '1'], /give --off/],
    [['40000:5:3', '--pid', '1'], /idle must be .* 32767 s/],
    [['30:5:3', '--off', '--pid', '1'], /either a policy or --off/],
    [['30:5:3', '--undo', 'file'], /--undo takes no policy/],
    [['--undo', 'file', '--pid', '1'], /no filters/],
    [['--undo', 'file', '--record', 'other'], /no filters, and no --record/],
    [['30:5:3', '--port', '0'], /^tcp-keepalive: port must be/],
  ])('refuses %j in one line, with exit code 1', async (args, message) => {
    const { code, stdout, stderr } = await runCli('set', ...args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it('has exit code 1 where nothing matches, and keeps no record', async () => {
    const record = join(folder, 'record.json');
    const { code, json } = await set('30:5:3', ...end('a client'), '--remote', '10.0.0.0/8', '--record', record);
    expect(json).toMatchObject({ changed: [], failed: [] });
    expect(code).toBe(1);
    expect(existsSync(record)).toBe(false);
  });
});

describe.skipIf(cannotRun(!hasRtoMax, 'TCP_RTO_MAX_MS needs Linux 6.15'))('tcp-keepalive set --rto-max', () => {
  it('sets it, ls shows it, and --undo restores what was there', async () => {
    const before = [await stateOf('a client'), await stateOf('b client')];
    const file = join(folder, 'record.json');
    expect((await set('30:5:3', '--rto-max', '2500ms', ...end('a client'), '--record', file)).code).toBe(0);
    expect(await stateOf('a client')).toEqual({ ...article, rtoMax: 2500 });
    const shown = JSON.parse((await runCli('ls', '--json', ...end('a client'))).stdout);
    expect(JSON.stringify(shown)).toContain('"userTimeout":0,"rtoMax":2500}');
    expect((await set('--undo', file)).code).toBe(0);
    expect([await stateOf('a client'), await stateOf('b client')]).toEqual(before);
  });

  it.each(['0', '500ms', '1234ms', '121', 'x'])('refuses %s, which the kernel would refuse or round', async (given) => {
    const { code, stderr } = await set('30:5:3', '--rto-max', given, ...end('a client'));
    expect(code).toBe(1);
    expect(stderr).toContain('rtoMax must be 1 s to 120 s, in steps of 100 ms');
  });
});

describe('tcp-keepalive set --undo', () => {
  const recordFile = () => join(folder, 'record.json');

  it.each(['--record', '--json'])('puts back exactly what was there, from the file of %s', async (way) => {
    await set('77:8:9:1234ms', ...end('a client'));
    const before = [await stateOf('a client'), await stateOf('b client'), await stateOf('b server')];
    const filters = [
      '--pid',
      `${holder.pid}`,
      '--port',
      ['a client', 'b client'].map((n) => `local:${find(n).localPort}`).join(','),
    ];
    if (way === '--record') expect((await set('30:5:3', ...filters, '--record', recordFile())).code).toBe(0);
    else writeFileSync(recordFile(), (await runCli('set', '30:5:3', '--json', ...filters)).stdout);
    expect(await stateOf('b client')).toEqual(article);
    const { code, json } = await set('--undo', recordFile());
    expect(json.changed).toHaveLength(2);
    expect(code).toBe(0);
    expect([await stateOf('a client'), await stateOf('b client'), await stateOf('b server')]).toEqual(before);
  });

  it('leaves alone what was changed since, and names it, and passes over what has ended', async () => {
    const before = await stateOf('b client');
    const ports = ['a client', 'b client', 'a server'].map((name) => `${find(name).localPort}`);
    await set(
      '30:5:3',
      '--pid',
      `${holder.pid}`,
      '--port',
      `local:${ports[0]},local:${ports[1]}`,
      '--record',
      recordFile(),
    );
    await holder.tell({ do: 'set', name: find('a client').name, policy: { idle: 99_000 } });
    const { code, json } = await set('--undo', recordFile());
    expect(json.changed).toMatchObject([{ after: before }]);
    expect(json.failed).toMatchObject([
      { local: { port: Number(ports[0]) }, error: expect.stringContaining('changed again since') },
    ]);
    expect(code).toBe(2);
    expect(await stateOf('a client')).toEqual({ ...article, idle: 99_000 });

    const second = join(folder, 'second.json');
    await set('50:5:3', ...end('b client'), '--record', second);
    sockets = await holder.tell({ do: 'replace', name: find('b client').name, by: 'nothing' });
    const gone = await set('--undo', second);
    expect(gone).toMatchObject({ code: 0, json: { changed: [], failed: [] } });
    expect(gone.stderr).toBe('tcp-keepalive: 1 of the changed connections have ended\n');
  });

  it('shows with --dry-run what would be restored, and is done when it is repeated', async () => {
    const before = await stateOf('a client');
    await set('30:5:3', ...end('a client'), '--record', recordFile());
    const shown = await set('--undo', recordFile(), '--dry-run');
    expect(shown).toMatchObject({ code: 0, json: { changed: [{ before: article, after: before }], failed: [] } });
    expect(await stateOf('a client')).toEqual(article);
    const table = await runCli('set', '--undo', recordFile(), '--dry-run');
    expect(table.stdout).toMatch(/\n\n1 connection would be changed\n$/);
    expect((await set('--undo', recordFile())).code).toBe(0);
    expect(await stateOf('a client')).toEqual(before);
    const again = await set('--undo', recordFile());
    expect(again).toMatchObject({ code: 0, json: { changed: [{ before, after: before }], failed: [], unknown: 0 } });
    expect((await runCli('set', '--undo', recordFile())).stdout).toMatch(
      /\n\n0 connections changed, 1 had it already\n$/,
    );
    expect(await stateOf('a client')).toEqual(before);
  });

  it('does not overwrite a file with a record, and then changes nothing', async () => {
    writeFileSync(recordFile(), 'precious');
    const before = await stateOf('a client');
    const { code, stderr } = await set('30:5:3', ...end('a client'), '--record', recordFile());
    expect(stderr).toBe(`tcp-keepalive: ${recordFile()} must be a new file, but it exists already\n`);
    expect(code).toBe(1);
    expect(readFileSync(recordFile(), 'utf8')).toBe('precious');
    expect(await stateOf('a client')).toEqual(before);
    const nowhere = await set('30:5:3', ...end('a client'), '--record', join(folder, 'no', 'such'));
    expect(nowhere.stderr).toMatch(/^tcp-keepalive: .* must be a new file, and cannot be made: ENOENT.*\n$/);
    expect(nowhere.code).toBe(1);
    expect(await stateOf('a client')).toEqual(before);
  });

  it('refuses what is not a record of this boot, in one line, and changes nothing', async () => {
    await set('30:5:3', ...end('a client'), '--record', recordFile());
    const good = readFileSync(recordFile(), 'utf8');
    const record = JSON.parse(good);
    const [change] = record.changed;
    const bad: Record<string, string> = {
      'another boot': JSON.stringify({ ...record, bootId: '00000000-0000-0000-0000-000000000000' }),
      'half of it': good.slice(0, good.length / 2),
      nothing: '',
      'no JSON': 'idle = 30',
      null: 'null',
      'a list': '[]',
      'no changes': JSON.stringify({ bootId: record.bootId }),
      'no boot': JSON.stringify({ changed: record.changed }),
      'a second change that is none': JSON.stringify({ ...record, changed: [change, { cookie: '1' }] }),
      'half a second': JSON.stringify({ ...record, changed: [{ ...change, before: { ...change.before, idle: 500 } }] }),
      'more than an int': JSON.stringify({
        ...record,
        changed: [{ ...change, before: { ...change.before, idle: (2 ** 32 + 30) * 1000 } }],
      }),
      'no cookie': JSON.stringify({ ...record, changed: [{ ...change, cookie: -1 }] }),
    };
    for (const [what, text] of Object.entries(bad)) {
      writeFileSync(recordFile(), text);
      const { code, stdout, stderr } = await runCli('set', '--undo', recordFile());
      expect(stderr, what).toMatch(/^tcp-keepalive: \S+record\.json must be what .* wrote, .+\n$/);
      expect(stdout).toBe('');
      expect(code, what).toBe(1);
    }
    expect(await stateOf('a client')).toEqual(article);
    const missing = await runCli('set', '--undo', join(folder, 'missing.json'));
    expect(missing.stderr).toMatch(/missing\.json must be what .* ENOENT/);
    expect(missing.code).toBe(1);
  });
});
