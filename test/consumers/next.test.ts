import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consumer, environment, runNode, tool } from './consumer.js';

const next = tool('next/dist/bin/next');
const env = { NEXT_TELEMETRY_DISABLED: '1' };

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function build(folder: string, bundler: string): Promise<void> {
  const { code, stdout, stderr } = await runNode(folder, [next, 'build', bundler], env);
  expect(code, stdout + stderr).toBe(0);
}

/** Starts a server of Next.js. Returns the reply to the first request that the server accepts. */
async function replyOf(folder: string, args: readonly string[]): Promise<{ status: number; body: unknown }> {
  const port = await freePort();
  const variables = { ...environment(env), PORT: String(port), HOSTNAME: '127.0.0.1' };
  const child = spawn(process.execPath, args, { cwd: folder, env: variables, stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    for (let attempt = 0; attempt < 240; attempt += 1) {
      await setTimeout(250);
      const response = await fetch(`http://127.0.0.1:${port}/route`).catch(() => undefined);
      if (response !== undefined) return { status: response.status, body: await response.json() };
    }
    throw new Error('the server accepted no request within a minute');
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

describe.concurrent('a route handler of Next.js sets and reads keepalive', () => {
  const expected = {
    status: 200,
    body: { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 },
  };
  const files = { app: 'next/app', 'package.json': { private: true } };

  it('with no settings, by Turbopack, under `next start`', async () => {
    const folder = consumer('next', files);
    await build(folder, '--turbopack');
    expect(await replyOf(folder, [next, 'start'])).toEqual(expected);
  });

  let elsewhere: string;
  beforeAll(() => {
    elsewhere = mkdtempSync(path.join(tmpdir(), 'keepalive-next-'));
  });
  afterAll(() => rmSync(elsewhere, { recursive: true }));

  it('in a standalone server, by webpack, that was copied away from node_modules', async () => {
    const folder = consumer('next-standalone', { ...files, 'next.config.mjs': 'next/standalone.config.mjs' });
    await build(folder, '--webpack');
    cpSync(path.join(folder, '.next/standalone'), elsewhere, { recursive: true });
    const server = path.join(path.basename(path.dirname(folder)), 'next-standalone/server.js');
    expect(await replyOf(elsewhere, [server])).toEqual(expected);
  });
});
