import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sortKeys } from '../../src/host/list/order.js';
import { cannotRun } from '../requirement.js';
import { runCli } from './run-cli.js';
import { shellOnTerminal } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));
const script = (shell: string) => join(folder, `completion.${shell}`);

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await runCli('completion', shell);
    expect([code, stderr]).toEqual([0, '']);
    writeFileSync(script(shell), stdout);
  }
  for (const file of ['before one.json', 'before two.json']) writeFileSync(join(folder, file), '');
});

const lacks = (shell: string) =>
  cannotRun(spawnSync(shell, ['-c', 'exit']).status !== 0, `it needs ${shell} (apt-get install ${shell})`);

const verbs = [
  'ls',
  'set',
  'check',
  'explain',
  'plan',
  'demo',
  'defaults',
  'nat',
  'export',
  'completion',
  'man',
  'help',
];

/** What a shell offers after a line: the last word is completed. */
const cases: readonly [string, readonly string[]][] = [
  ['', verbs],
  ['de', ['demo', 'defaults']],
  ['help c', ['check', 'completion']],
  ['defaults ', ['set']],
  ['nat --from', ['--from-server']],
  ['nat serve --po', ['--port']],
  ['plan --beh', ['--behind']],
  ['plan --behind aws-nlb,azure-l', ['aws-nlb,azure-lb']],
  ['export --to post', ['postgresql']],
  ['export --from r', ['redis', 'rabbitmq', 'rust']],
  ['set ', ['on', 'system']],
  ['set sys', ['system']],
  ['completion ', ['bash', 'zsh', 'fish']],
  ['ls --ver', ['--verdict']],
  ['ls --verdict ', ['protected', 'slow', 'exposed', 'unprotected']],
  ['ls --verdict slow,un', ['slow,unprotected']],
  ['ls --fail-on slow,ex', ['slow,exposed']],
  ['ls --behind aws-nl', ['aws-nlb', 'aws-nlb-tls']],
  ['ls --state est', ['established']],
  ['ls --sort ', sortKeys],
  ['check --color a', ['auto', 'always']],
  ['ls --group po', ['port']],
  ['ls --process set --gr', ['--group']],
  ['set --process ls --rec', ['--record']],
  ['ls --option-source t', ['tcp-iterator']],
  ['defaults set --run', ['--runtime-only']],
  ['defaults set --json --dry', ['--dry-run']],
  ['ls --pid ', []],
  ['man --he', ['--help']],
];

describe.skipIf(lacks('bash'))('in bash', () => {
  /** Calls the function as bash does. */
  const complete = (words: readonly string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        `set -u; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _tcp_keepalive; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        script('bash'),
        'tcp-keepalive',
        ...words,
      ],
      { encoding: 'utf8' },
    )
      .split('\n')
      .filter((line) => line !== '');

  it.each(cases)('%j offers %j', (line, offered) => {
    expect(complete(line.split(' ')).sort()).toEqual([...offered].sort());
  });

  it('takes --option=value apart as bash does, or whole', () => {
    expect(complete(['ls', '--verdict', '='])).toEqual(['protected', 'slow', 'exposed', 'unprotected']);
    expect(complete(['ls', '--verdict', '=', 'un'])).toEqual(['unprotected']);
    expect(complete(['ls', '--verdict=slow,un'])).toEqual(['--verdict=slow,unprotected']);
    expect(complete(['ls', '--process', '--verdict', '--fas'])).toEqual(['--fast']);
  });

  it('runs nothing of what was typed', () => {
    const evil = join(folder, 'evil');
    for (const word of [`$(touch ${evil})`, `\`touch ${evil}\``, '*', `a[$(touch ${evil})]`]) {
      expect(complete([word, word])).toEqual(expect.any(Array));
      expect(complete(['ls', '--verdict', word])).toEqual([]);
    }
    expect(spawnSync('test', ['-e', evil]).status).toBe(1);
  });

  it('completes on the command line, also names of files', async () => {
    const { shows, type, result } = shellOnTerminal(100, 24, `cd ${folder}; PS1='ready ' exec bash --norc -i`);
    await shows(/ready/);
    type(`source ${script('bash')}; tcp-keepalive() { printf '<%s>' "$@"; }\r`);
    type('tcp-keepalive che\t--reap --verdict unp\t\r');
    await shows(/<check><--reap><--verdict><unprotected>/);
    type('tcp-keepalive set --undo before\\ t\t\r');
    await shows(/<set><--undo><before two\.json>/);
    type('exit\r');
    expect((await result).code).toBe(0);
  });
});

describe.skipIf(lacks('fish'))('in fish', () => {
  const complete = (line: string) =>
    execFileSync(
      'fish',
      ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script('fish'), `tcp-keepalive ${line}`],
      { encoding: 'utf8', cwd: folder, env: { ...process.env, HOME: folder } },
    )
      .split('\n')
      .map((offer) => offer.split('\t')[0] ?? '')
      .filter((offer) => offer !== '');

  it.each(cases)('%j offers %j', (line, offered) => {
    const offers = complete(line);
    expect(offered.filter((offer) => !offers.includes(offer))).toEqual([]);
    // Where few are offered, fish also offers words that have the text further in.
    const begins = (offer: string) => offer.startsWith(line.slice(line.lastIndexOf(' ') + 1));
    expect(offers.filter((offer) => begins(offer) && !offered.includes(offer) && !offer.endsWith(','))).toEqual([]);
  });

  it('completes names of files', () => expect(complete('set --undo before')).toContain('before one.json'));
});

describe.skipIf(lacks('zsh'))('in zsh', () => {
  it('completes on the command line', async () => {
    const { shows, type, result } = shellOnTerminal(
      100,
      24,
      `cd ${folder}; export HOME=${folder} ZDOTDIR=${folder} PS1='ready '; exec zsh -f -i`,
    );
    await shows(/ready/);
    type(`autoload -U compinit; compinit -D -u; source ${script('zsh')}; tcp-keepalive() { printf '<%s>' "$@"; }\r`);
    const completes = async (line: string, printed: string) => {
      type(`tcp-keepalive ${line}\r`);
      await shows(new RegExp(printed.replaceAll(/[.]/g, '\\.')));
    };
    await completes('che\t--rea\t --verdict unp\t', '<check><--reap><--verdict><unprotected>');
    await completes('ls --verdict slow,unp\t', '<ls><--verdict><slow,unprotected>');
    await completes('defaults s\t--run\t', '<defaults><set><--runtime-only>');
    await completes('set 30:5:3 --reco\t=x', '<set><30:5:3><--record=*x>');
    await completes('set --undo before\\ t\t', '<set><--undo><before two.json>');
    await completes('completion f\t', '<completion><fish>');
    await completes('help dem\t', '<help><demo>');
    type('tcp-keepalive ls --sort \t');
    await shows(/in-flight +pid/);
    type('\u0015exit\r');
    expect((await result).code).toBe(0);
  });

  it('is found in a directory of $fpath', () => {
    const functions = join(folder, 'functions');
    const text = execFileSync(
      'zsh',
      [
        '-f',
        '-c',
        `mkdir -p $1; cp $2 $1/_tcp-keepalive; fpath=($1 $fpath); autoload -U compinit; compinit -D -u; print $_comps[tcp-keepalive]`,
        'zsh',
        functions,
        script('zsh'),
      ],
      { encoding: 'utf8' },
    );
    expect(text).toBe('_tcp-keepalive\n');
  });
});

it('refuses another shell in one line', async () => {
  const { code, stdout, stderr } = await runCli('completion', 'tcsh');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^tcp-keepalive: .*Allowed choices are bash, zsh, fish\.\n$/);
});

it('knows every option that the help of a verb has', async () => {
  const { stdout: bash } = await runCli('completion', 'bash');
  for (const verb of verbs.slice(0, -1)) {
    const { stdout } = await runCli(verb, '--help');
    const options = stdout.match(/^ {2}(-\w, )?--[\w-]+/gm)?.map((line) => line.trim().split(' ').at(-1)) ?? [];
    expect(options.length).toBeGreaterThan(0);
    const offered = new RegExp(`^ +'${verb} '\\).*words='(-[^']*)'`, 'm').exec(bash)?.[1]?.split(' ');
    expect(offered).toEqual(expect.arrayContaining(options));
  }
});
