import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { firstOutput } from '../first-output.js';
import { runCli } from './run-cli.js';

/** Listens, with a name of its own if it is given one, and says its port. */
const source = `
  if (process.argv[2]) process.title = process.argv[2];
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.resume().on('end', () => process.exit());
`;

let folder: string;
const children: ChildProcess[] = [];

async function started(script: string, ...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'], cwd: folder });
  children.push(child);
  const port = await firstOutput(child);
  return { pid: child.pid as number, port: port.trim() };
}

async function rows(...args: string[]): Promise<ConnectionJson[]> {
  const { stdout, stderr } = await runCli('ls', '--json', ...args);
  expect(stderr).toBe('');
  return JSON.parse(stdout).connections;
}

describe('the programs that tcp-keepalive ls shows', () => {
  let app: { pid: number; port: string };
  let api: { pid: number; port: string };
  let first: { pid: number; port: string };
  let second: { pid: number; port: string };
  let evil: { pid: number; port: string };

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-programs-'));
    const scripts = ['shop-app.js', 'shop-api/index.js', 'shop-e\u001b[31mvil\n.js'];
    for (const script of scripts) {
      mkdirSync(path.dirname(path.join(folder, script)), { recursive: true });
      writeFileSync(path.join(folder, script), source);
    }
    [app, api, first, second, evil] = await Promise.all([
      started('shop-app.js'),
      started(path.join(folder, 'shop-api/index.js')),
      started('shop-app.js', 'node /home/shopkeeper/first.js'),
      started('shop-app.js', 'node /home/shopkeeper/second.js'),
      started(scripts[2] as string),
    ]);
  });
  afterAll(() => {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true });
  });

  it('have the names that people call them, whatever the version of Node.js calls its thread', async () => {
    const of = async ({ port }: { port: string }) => (await rows('--port', port))[0]?.process;
    expect(await of(app)).toMatchObject({
      pid: app.pid,
      program: 'node shop-app.js',
      command: expect.stringMatching(/node shop-app\.js$/),
    });
    expect(await of(api)).toMatchObject({ pid: api.pid, program: 'node shop-api/index.js' });
    expect(await of(first)).toMatchObject({ program: 'node first.js', command: 'node /home/shopkeeper/first.js' });
    expect(await of(second)).toMatchObject({ program: 'node second.js' });
    expect(await of(evil)).toMatchObject({ program: 'node shop-e\u001b[31mvil\n.js' });
  });

  it('are selected by the program, the interpreter, the script and the command line', async () => {
    const of = [app, api, first, second].map(({ port }) => port).join(',');
    const pids = async (...args: string[]) =>
      (await rows('--port', of, ...args)).map(({ process }) => process?.pid).sort();
    const sorted = (...them: { pid: number }[]) => them.map(({ pid }) => pid).sort();
    expect(await pids('--process', 'node')).toEqual(sorted(app, api, first, second));
    expect(await pids('--process', 'shop-app.js')).toEqual(sorted(app));
    expect(await pids('--process', 'node shop-app.js,index.js')).toEqual(sorted(app, api));
    expect(await pids('--process', 'first*')).toEqual(sorted(first));
    expect(await pids('--command', '*shopkeeper/second.js')).toEqual(sorted(second));
    expect(await pids('--command', '*shop-api*', '--command', '*shop-app*')).toEqual(sorted(app, api));
  });

  it('fit a narrow terminal by their script, and can do nothing to it', async () => {
    const { stdout } = await runCli('ls', '--port', [app, evil].map(({ port }) => port).join(','));
    expect(stdout).toContain(`node shop-app.js/${app.pid} `);
    expect(stdout).toContain(`node shop-e\\x1b[31mvil\\x0a.js/${evil.pid} `);
    const groups = await runCli('ls', '--group', 'process', '--port', app.port, '--state', 'listen');
    expect(groups).toMatchObject({ code: 0, stderr: '' });
  });

  it('are named where nothing matches, with exit code 1 of every verb', async () => {
    for (const verb of [['ls'], ['set', '30:5:3'], ['check']]) {
      const { code, stderr } = await runCli(...verb, '--process', 'shop-ap.js');
      expect(stderr, verb[0]).toBe(
        'tcp-keepalive: no program "shop-ap.js" has a connection; did you mean "shop-app.js"?\n',
      );
      expect(code, verb[0]).toBe(1);
    }
    const port = await runCli('ls', '--pid', `${app.pid}`, '--port', '1');
    expect(port.stderr).toMatch(
      /^tcp-keepalive: no connection or listener is at port "1"; (there are ".*|did you mean .*)\n$/,
    );
    expect(port.code).toBe(1);
    const judged = await runCli('ls', '--port', app.port, '--verdict', 'slow');
    expect(judged).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\n\n0 connections\n$/) });
  });
});
