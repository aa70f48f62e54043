import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownNetwork } from '../program.js';
import { cannotRun } from '../requirement.js';
import { type Finished, finished, program, runCli } from './run-cli.js';

const unused = ['--port', 'local:1'];

/** Runs a script of bash in which `tcp-keepalive` is the program. */
function bash(script: string, prefix: readonly string[] = []): Promise<Finished> {
  const [command = '', ...args] = [
    ...prefix,
    'bash',
    '-c',
    `tcp-keepalive() { '${process.execPath}' '${program}' "$@"; }; ${script}`,
  ];
  return finished(spawn(command, args));
}

/** The lines of the program, without those about other programs and those of bash about the end of the holder. */
function complaints(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('tcp-keepalive: not shown: ') && !line.startsWith('bash: '));
}

const network = ownNetwork();
const noNetwork = cannotRun(network === undefined, 'it needs a network namespace (unshare --net)');
const noRoot = cannotRun(process.getuid?.() !== 0, 'it needs root');

/** A pair of connections in a network namespace of its own, and 600 lines of their list. */
const manyConnections = `
exec 9< <(sleep 300); sleeper=$!
'${process.execPath}' -e "
  const net = require('node:net'); const server = net.createServer().listen(8063, '127.0.0.1', () => {
    for (let left = 300; left > 0; left -= 1) net.connect(8063, '127.0.0.1'); });
  let count = 0; server.on('connection', () => { if (++count === 300) console.log('ready'); });
  process.stdin.resume().on('end', () => process.exit());
" > ready <&9 & holder=$!
for attempt in {1..300}; do [ -s ready ] && break; sleep 0.1; done; `;

describe.concurrent('what tcp-keepalive prints', () => {
  it.skipIf(noNetwork)(
    'may lose its reader at any moment: quiet, and the exit code is that of the work',
    async ({ onTestFinished }) => {
      const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-output-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const verbs = [
        ...[
          'ls',
          'ls --json',
          'ls --group port',
          'ls --group remote --fail-on slow --within 24h',
          'ls --watch 100ms',
          'ls --watch 100ms --json',
          'defaults',
          'defaults --json',
          '--help',
          'ls --help',
        ],
        ...[
          '--version',
          'set 30:5:3 --all',
          'set 31:5:3 --all --json',
          'set 32:5:3 --all --dry-run',
          'set 33:5:3 --all --verbose',
          'set --count 4 --all --quiet',
          'check',
          'check --json',
        ],
        ...['demo --policy 1:1:1', 'nat 127.0.0.1:8063 --min 1s --max 2s', 'explain 30:5:3'],
        ...['plan --detect-within 45s', 'plan --behind 60s --json'],
        ...['export 30:5:3 --to go --json', 'export --list', 'completion bash', 'man'],
        ...(noRoot ? [] : ['defaults set 600:30:5 --dry-run']),
      ];
      const runs = verbs.flatMap((verb) =>
        ['true', 'head -c 100 > /dev/null'].map((reader) => {
          return `timeout 100 '${process.execPath}' '${program}' ${verb} | ${reader}; echo "\${PIPESTATUS[0]} ${verb}"`;
        }),
      );
      const script = `cd '${folder}'; ${manyConnections} ${runs.join('; ')}; kill $holder $sleeper`;
      const { stdout, stderr } = await bash(script, network);
      expect(complaints(stderr)).toEqual([]);
      expect(stdout.trim().split('\n')).toEqual(verbs.flatMap((verb) => [`0 ${verb}`, `0 ${verb}`]));
    },
    280_000,
  );

  it.skipIf(noNetwork)(
    'may meet a full disk: one line, and exit code 1 only where showing was the work',
    async ({ onTestFinished }) => {
      const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-output-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const expected: Record<string, number> = {
        ...{ ls: 1, 'ls --json': 1, 'ls --watch 100ms': 1, defaults: 1, '--help': 1, 'set --help': 1, '--version': 1 },
        ...{ 'set 30:5:3 --all': 0, 'set 31:5:3 --all --json': 0, 'set 32:5:3 --all --dry-run': 1, check: 0 },
        ...{ 'demo --policy 1:1:1': 1, 'nat 127.0.0.1:8063 --min 1s --max 2s': 1, 'completion bash': 1, man: 1 },
        ...{ 'plan --tolerate 10s': 1, 'plan --detect-within 5s --tolerate 20s --json': 1 },
      };
      const runs = Object.keys(expected).map((verb) => {
        return `timeout 100 '${process.execPath}' '${program}' ${verb} > /dev/full; echo "$? ${verb}"`;
      });
      const { stdout, stderr } = await bash(
        `cd '${folder}'; ${manyConnections} ${runs.join('; ')}; kill $holder $sleeper`,
        network,
      );
      const codes = stdout
        .trim()
        .split('\n')
        .map((line) => [line.slice(2), Number(line[0])]);
      expect(Object.fromEntries(codes)).toEqual(expected);
      const lines = complaints(stderr);
      expect(lines).toHaveLength(Object.keys(expected).length);
      expect(new Set(lines)).toEqual(
        new Set(['tcp-keepalive: the output could not be written: ENOSPC: no space left on device, write']),
      );
    },
    280_000,
  );

  it('goes on where standard error is lost', async () => {
    const { stdout } = await bash(
      `tcp-keepalive ls ${unused.join(' ')} 2> /dev/full; echo $?; tcp-keepalive ls --port x 2> /dev/full; echo $?; tcp-keepalive ls --port 1 >&- 2>&-; echo $?`,
    );
    expect(stdout).toMatch(/^PROCESS .*\n\n0 connections\n1\n1\n1\n$/);
  });

  it('has no escape of what was given to it', async () => {
    const evil = '\u001b[31mx\u009b2J\u202e\ny';
    for (const args of [
      ['ls', '--port', evil],
      ['ls', '--netns', evil],
      [evil],
      [`--${evil}`],
      ['set', '--undo', evil],
    ]) {
      const { code, stdout, stderr } = await runCli(...args);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
      expect(code).toBe(1);
    }
  });

  it.skipIf(noRoot)('has no escape of the names of namespaces and processes', async () => {
    const script = `mount -t tmpfs none /run && mkdir /run/netns && touch $'/run/netns/\\e[31mx\\n\\u009by' &&
      exec -a x '${process.execPath}' '${program}' ls --all-netns --fast --json ${unused.join(' ')}`;
    const { code, stdout, stderr } = await bash(script, ['unshare', '--mount']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(JSON.parse(stdout).incomplete).toContainEqual({
      what: 'the namespace /run/netns/\u001b[31mx\n\u009by',
      why: 'the file is not a namespace any more',
    });
    expect(code).toBe(1);
    const text = await bash(script.replace(' --json', ''), ['unshare', '--mount']);
    expect(text.stderr).toContain('not shown: the namespace /run/netns/\\x1b[31mx\\x0a\\x9by (');
    expect(text.stderr).not.toContain('\u001b');
  });
});

describe.concurrent('what the machine lacks', () => {
  it('is told in one line where no descriptor is left: ls', async () => {
    for (const limit of [20, 21, 22, 23, 24, 25]) {
      const { code, stderr } = await bash(
        `ulimit -n ${limit}; timeout 60 '${process.execPath}' '${program}' ls --port 1`,
      );
      // With fewer descriptors than its loader needs, Node.js itself fails, each version with another number.
      expect(stderr, `${limit}`).not.toMatch(/^ +at .*dist\//m);
      if (stderr.startsWith('tcp-keepalive')) {
        expect(stderr).toMatch(/^tcp-keepalive: .+\n$/);
        expect(code).toBe(1);
      }
    }
  });

  it.each([
    ['demo --json --policy 1:1:1', 24],
    ['demo --json --policy 1:1:1', 30],
    ['demo --json --policy 1:1:1', 31],
  ])('is told in one line where no descriptor is left: %s with %i', async (verb, limit) => {
    const { code, stdout, stderr } = await bash(
      `ulimit -n ${limit}; timeout 60 '${process.execPath}' '${program}' ${verb}`,
    );
    expect(stderr).toMatch(/^tcp-keepalive: .*EMFILE.*: raise the limit of open files \(ulimit -n\)\n$/);
    expect([code, stdout]).toEqual([1, '']);
  });

  it
    .skipIf(noRoot)
    .each([
      'ls --port 1',
      'ls --fast --all-netns',
      'check --port 1',
      'set 30:5:3 --port 1',
      'defaults',
      'defaults set 600:30:5',
    ])('is told in one line where /proc is not mounted: %s', async (verb) => {
    const script = `mount -t tmpfs none /proc && timeout 60 '${process.execPath}' '${program}' ${verb}`;
    const { code, stdout, stderr } = await bash(script, ['unshare', '--mount', '--net']);
    expect(stderr).toMatch(/^tcp-keepalive: .*\/proc.*\n$/);
    expect([code, stdout]).toEqual([1, '']);
  });
});

const noStrace = cannotRun(spawnSync('strace', ['-V']).status !== 0, 'it needs strace');

it.skipIf(noStrace)(
  'waits longer than a timer of Node.js can: the list is not read again and again',
  async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-watch-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const trace = join(folder, 'trace');
    const watch = ['ls', '--fast', ...unused, '--watch', '720h'];
    const strace = ['-f', '-qq', '-e', 'trace=sendto', '-o', trace];
    const { status } = spawnSync('timeout', ['10', 'strace', ...strace, process.execPath, program, ...watch]);
    expect(status).toBe(124);
    expect(readFileSync(trace, 'utf8').match(/SOCK_DIAG|sendto\(\d+, \[?\{/g)?.length ?? 0).toBeLessThanOrEqual(2);
    expect(statSync(trace).size).toBeGreaterThan(0);
  },
);
