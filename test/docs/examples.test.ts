import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { getKeepAlive } from '../../src/index.js';
import { firstOutput } from '../first-output.js';
import { projectRoot } from './blocks.js';
import { runToSuccess } from './child.js';

const directory = path.join(projectRoot, 'examples');

function runExample(file: string, ...args: string[]): Promise<string> {
  return runToSuccess(process.execPath, ['--import', 'tsx', ...args, file], { cwd: directory });
}

function runOnce(file: string): Promise<string> {
  return runToSuccess(process.execPath, ['--import', 'tsx', file, '--once'], { cwd: directory });
}

const readBack = 'keepalive true, idle 30000 ms, interval 5000 ms, count 3';

/** Runs each example and checks what it prints, which is what it read back from the kernel. */
const checks: Readonly<Record<string, () => Promise<void>>> = {
  'keepalive-server.ts': async () => {
    const output = await runOnce('keepalive-server.ts');
    expect(output).toMatch(/^listening on port \d+, keepalive is inherited\n/);
    expect(output.split('\n').slice(1)).toEqual([readBack, '']);
  },
  'http-server.ts': async () => {
    const [, answer = ''] = (await runOnce('http-server.ts')).split('\n');
    const state = { enabled: true, idle: 30_000, interval: 5_000, count: 3, userTimeout: 45_000 };
    expect(JSON.parse(answer)).toEqual(state);
  },
  'tls-client.ts': async () => {
    expect(await runOnce('tls-client.ts')).toBe(`status pending\n${readBack}\nuser timeout 45000 ms\n`);
  },
  'http2-session.ts': async () => {
    expect(await runOnce('http2-session.ts')).toBe(`${readBack}\nstatus 200\n`);
  },
  'audit.ts': async () => {
    const output = await runOnce('audit.ts');
    expect(output).toMatch(/^unprotected: node audit\.ts 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+\n/);
    expect(output).toContain('4 connections, 1 to look at, 0 not seen\n');
  },
  'dead-peer.test.ts': async () => {
    const output = await runExample('dead-peer.test.ts', '--test');
    expect(output).toMatch(/pass 2\b/);
    expect(output).toMatch(/dead after \d+ ms, predicted 3000 to \d+ ms/);
  },
};

describe.concurrent('examples', () => {
  it('are all run here', () => {
    const programs = readdirSync(directory).filter((name) => name.endsWith('.ts'));
    expect(Object.keys(checks).sort()).toEqual(programs.sort());
  });

  for (const [file, check] of Object.entries(checks)) it(file, check);

  it('keepalive-server.ts serves others until SIGINT, and survives one that resets', async () => {
    const file = path.join(directory, 'keepalive-server.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: directory });
    try {
      const greeting = await firstOutput(child);
      const port = Number(/port (\d+)/.exec(greeting)?.[1]);
      const resetting = net.connect(port, '127.0.0.1').on('error', () => {});
      await once(resetting, 'connect');
      resetting.resetAndDestroy();
      const client = net.connect(port, '127.0.0.1');
      await once(client, 'connect');
      expect(getKeepAlive(client).enabled).toBe(false);
      const [text] = (await once(client, 'data')) as [Buffer];
      expect(text.toString()).toBe('hello\n');
      client.destroy();
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
