import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { program, start } from './registered.js';

const required = ['--require', 'tcp-keepalive/register'];
const env = { TCP_KEEPALIVE: '30:5:3' };

/** A main file that Node.js 20 cannot read. */
const typed = `
import net from 'node:net';
import { getKeepAlive } from 'tcp-keepalive';
const server: net.Server = net.createServer().listen(0, '127.0.0.1', () => {
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1', () => {
    console.log(JSON.stringify({ idle: getKeepAlive(socket).idle }));
    process.exit();
  });
});
`;

async function printed(args: readonly string[], options: readonly string[], cwd?: string): Promise<unknown> {
  const { code, stdout, stderr } = await start(args, { options, env, ...(cwd === undefined ? {} : { cwd }) }).ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe.concurrent('register, loaded with --require', () => {
  it('leaves a cluster worker the message that its primary sends on `online`', async () => {
    const seen = await printed([program('cluster-early-message.cjs')], required);
    expect(seen).toEqual({ message: 'early', idle: 30_000 });
  });

  it('leaves a TypeScript main file to the hook that compiles it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-typed-'));
    try {
      mkdirSync(path.join(folder, 'node_modules'));
      const root = fileURLToPath(new URL('../..', import.meta.url));
      symlinkSync(root, path.join(folder, 'node_modules', 'tcp-keepalive'));
      writeFileSync(path.join(folder, 'main.ts'), typed);
      const hook = createRequire(import.meta.url).resolve('tsx/cjs');
      expect(await printed(['main.ts'], ['--require', hook, ...required], folder)).toEqual({ idle: 30_000 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('prints nothing of its own', async () => {
    const { code, stdout, stderr } = await start(['-e', '0'], { options: required, env }).ended;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
