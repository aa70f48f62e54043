import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program, start } from './registered.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const count = 12;

let folder: string;

/** Copies of the built package, each of which a program evaluates by itself, as jest does for each file. Every other one has CommonJS modules. */
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  for (let copy = 0; copy < count; copy += 1) {
    const isCommonJs = copy % 2 === 1;
    cpSync(path.join(root, isCommonJs ? 'dist/cjs' : 'dist'), path.join(folder, String(copy)), { recursive: true });
    if (!isCommonJs) writeFileSync(path.join(folder, String(copy), 'package.json'), '{ "type": "module" }');
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Seen {
  /** How deep the stack is below Node's own methods: of the socket, of the handle. */
  readonly depths: readonly number[];
  readonly idles: readonly number[];
  readonly listeners: number;
}

async function run(copies: number, mode: 'register' | 'apply' | 'both'): Promise<Record<'during' | 'after', Seen>> {
  const args = [program('copies.mjs'), pathToFileURL(folder).href, String(copies), mode];
  const { code, stdout, stderr } = await start(args, { options: [], env: { TCP_KEEPALIVE: '30:5:3' } }).ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe.concurrent('copies of the package in one process', () => {
  it('wrap once, whether register is evaluated once or twelve times', async () => {
    const [once, often] = await Promise.all([run(1, 'register'), run(count, 'register')]);
    expect(often.during).toEqual(once.during);
    expect(often.during.idles).toEqual([30_000, 30_000, 30_000]);
  });

  it('wrap once for policies of applyToProcess, the last of which governs until it is disposed of', async () => {
    const [once, often] = await Promise.all([run(1, 'apply'), run(count, 'apply')]);
    expect(often.during.depths).toEqual(once.during.depths);
    expect(often.during.listeners).toBe(once.during.listeners);
    expect(often.during.idles).toEqual([11_000, 11_000, 11_000].map((idle) => idle + 10_000));
    // One is left, which another copy has wrapped.
    expect(often.after.idles).toEqual([10_000, 10_000, 10_000]);
    expect(often.after.depths).toEqual(once.during.depths);
  });

  it('know what setKeepAlive of another copy has given a connection', async () => {
    const { during } = await run(2, 'both');
    expect(during.idles).toEqual([30_000, 30_000, 99_000]);
  });
});

describe.concurrent('watches of two copies of the package', () => {
  it.each([
    ['', [true, true]],
    ['0', [false, true]],
    ['1', [true, false]],
    ['01', [false, false]],
  ])('go on with TLS that is loaded later, and count each connection once (closed: %j)', async (closed, has) => {
    const args = [program('copies-watching.mjs'), pathToFileURL(folder).href, closed];
    const { code, stdout, stderr } = await start(args, { options: [] }).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ has, set: 1, hasInit: false });
  });

  it('both tell of a peer that one of them has given up, for the same reason', async () => {
    const args = [program('copies-giving-up.mjs'), pathToFileURL(folder).href];
    const { code, stdout, stderr } = await start(args, { options: [] }).ended;
    expect(code, stderr).toBe(0);
    const told = ['unanswered', 'watch'];
    const reasons = ['unanswered', 'unanswered', 'unanswered', 'unanswered'];
    expect(JSON.parse(stdout)).toEqual({ told: [told, told], reasons });
  });
});
