import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
let elsewhere: string;

function run(file: string, ...args: string[]): string {
  return execFileSync(file, args, { cwd: elsewhere, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

beforeAll(() => {
  elsewhere = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-packed-'));
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', elsewhere], { cwd: project, stdio: 'pipe' });
  const [tarball] = readdirSync(elsewhere);
  writeFileSync(path.join(elsewhere, 'package.json'), '{ "private": true, "type": "module" }\n');
  // Without install scripts nothing can be compiled or downloaded.
  run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`);
});

afterAll(() => rmSync(elsewhere, { recursive: true }));

describe('the packed package, installed elsewhere without scripts', () => {
  it('sets, reads back and predicts', () => {
    const program = `
      import net from 'node:net';
      import { once } from 'node:events';
      import { setKeepAlive, getKeepAlive, parsePolicy, formatPolicy, detectionTime, kernelDefaults } from 'tcp-keepalive';
      import { crashPeer, lossyPath, loopbackPair } from 'tcp-keepalive/testing';
      const pair = await loopbackPair({ family: 4 });
      setKeepAlive(pair.server, '30:5:3');
      const crash = crashPeer(pair.client);
      crash.revive();
      const path = lossyPath(pair.client, { loss: 0.3 });
      path.close();
      console.log(JSON.stringify([getKeepAlive(pair.server), formatPolicy(parsePolicy('30s:5s:3')), detectionTime('30:5:3').earliestMs, kernelDefaults().count > 0]));
      pair.close();
    `;
    writeFileSync(path.join(elsewhere, 'use.js'), program);
    expect(JSON.parse(run(process.execPath, 'use.js'))).toEqual([
      { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 },
      '30:5:3',
      45_000,
      true,
    ]);
  });

  it('can be required', () => {
    const program = `
      const { setKeepAlive, KeepAliveError } = require('tcp-keepalive');
      const linux = require('tcp-keepalive/linux');
      require('tcp-keepalive/register');
      const { loopbackPair } = require('tcp-keepalive/testing');
      loopbackPair({ family: 4 }).then((pair) => {
        console.log(JSON.stringify([setKeepAlive(pair.server, '30:5:3').count, linux.KeepAliveError === KeepAliveError]));
        pair.close();
      });
    `;
    writeFileSync(path.join(elsewhere, 'required.cjs'), program);
    for (const option of ['--experimental-require-module', '--no-experimental-require-module'])
      expect(JSON.parse(run(process.execPath, '--no-warnings', option, 'required.cjs'))).toEqual([3, true]);
  });

  it('lists, sets and checks connections of the machine', () => {
    const program = `
      import { listConnections, setConnections, checkPeers, parseSelection, recordOf, undoChanges } from 'tcp-keepalive/linux';
      import { getKeepAlive } from 'tcp-keepalive';
      import { loopbackPair } from 'tcp-keepalive/testing';
      const pair = await loopbackPair({ family: 4 });
      const selection = parseSelection({ pid: String(process.pid), port: 'local:' + pair.server.localPort });
      const ofPair = ({ connection }) => connection.state === 'ESTABLISHED';
      const verdict = () => listConnections({ selection }).rows.filter(ofPair).map((row) => row.verdict);
      const before = verdict();
      const { changed } = setConnections({ selection }, '30:5:3');
      const { idle } = getKeepAlive(pair.server);
      const after = verdict();
      const { peers } = await checkPeers({ selection });
      undoChanges(recordOf(changed), 'the changes above');
      console.log(JSON.stringify([before, idle, after, peers.map((peer) => peer.answer), getKeepAlive(pair.server).enabled]));
      pair.close();
    `;
    writeFileSync(path.join(elsewhere, 'host.js'), program);
    expect(JSON.parse(run(process.execPath, 'host.js'))).toEqual([
      ['unprotected'],
      30_000,
      ['protected'],
      ['alive'],
      false,
    ]);
  });

  it('installed globally has a manual page, and a path that any program can be started with', () => {
    const prefix = path.join(elsewhere, 'global');
    const [tarball] = readdirSync(elsewhere).filter((name) => name.endsWith('.tgz'));
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--prefix', prefix];
    run('npm', 'install', '--global', ...options, `./${tarball}`);
    expect(readFileSync(path.join(prefix, 'share/man/man1/tcp-keepalive.1'), 'utf8')).toMatch(/^\.TH TCP-KEEPALIVE 1/m);
    const page = readFileSync(path.join(project, 'docs/drivers.md'), 'utf8');
    const [, documented = ''] = /NODE_OPTIONS=--require=\/usr\/lib\/(\S+)/.exec(page) ?? [];
    const env = {
      ...process.env,
      TCP_KEEPALIVE: '30:5:3',
      NODE_DEBUG: 'tcp-keepalive',
      NODE_OPTIONS: `--require=${path.join(prefix, 'lib', documented)}`,
    };
    const server = "require('node:net').createServer().listen(0, () => process.exit())";
    const { status, stderr } = spawnSync(process.execPath, ['-e', server], { cwd: '/', env, encoding: 'utf8' });
    expect(stderr).toMatch(/0 connections set, 0 inherited from 1 listeners/);
    expect(status).toBe(0);
  });

  it('has a command that works', () => {
    const bin = path.join('node_modules', '.bin', 'tcp-keepalive');
    expect(run(bin, '--version').trim()).toMatch(/^\d+\.\d+\.\d+$/);
    const report = JSON.parse(run(bin, 'demo', '--json', '--policy', '2:1:3'));
    expect(report.ok).toBe(true);
  });

  it('leads from a declaration and from a stack trace to the source', () => {
    const installed = path.join(elsewhere, 'node_modules', 'tcp-keepalive');
    const folder = path.join(installed, 'dist', 'policy');
    const map = JSON.parse(readFileSync(path.join(folder, 'parse.d.ts.map'), 'utf8'));
    expect(readFileSync(path.resolve(folder, map.sources[0]), 'utf8')).toContain('export function parsePolicy');

    writeFileSync(
      path.join(elsewhere, 'trace.js'),
      `import('tcp-keepalive').then((m) => m.parsePolicy('x')).catch((error) => console.log(error.stack));`,
    );
    const stack = run(process.execPath, '--enable-source-maps', 'trace.js');
    const [, file = '', line] = /at .*parsePolicy \((.*):(\d+):\d+\)/.exec(stack) ?? [];
    expect(path.relative(installed, file)).toBe(path.join('src', 'policy', 'parse.ts'));
    expect(readFileSync(file, 'utf8').split('\n')[Number(line) - 1]).toContain('throw new PolicyError(');
  });

  it('carries no tests or benchmarks', () => {
    const installed = path.join(elsewhere, 'node_modules', 'tcp-keepalive');
    const top = readdirSync(installed);
    const documents = ['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md'];
    expect(top.sort()).toEqual([...documents, 'dist', 'docs', 'examples', 'package.json', 'src']);
    const files = ['dist', 'src'].flatMap((folder) =>
      readdirSync(path.join(installed, folder), { recursive: true, encoding: 'utf8' }),
    );
    expect(files.filter((file) => file.includes('.test.'))).toEqual([]);
  });
});
