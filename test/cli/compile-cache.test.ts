import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compileCacheDirectory } from '../../src/cli/compile-cache-directory.js';
import { cannotRun } from '../requirement.js';
import { finished, program } from './run-cli.js';

let folder: string;
const before = process.env['XDG_CACHE_HOME'];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-cache-'));
  process.env['XDG_CACHE_HOME'] = folder;
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
});

const own = () => path.join(folder, 'tcp-keepalive');

it('is a directory of this user alone, which is made', () => {
  expect(compileCacheDirectory()).toBe(own());
  expect(statSync(own()).mode & 0o777).toBe(0o700);
  expect(compileCacheDirectory()).toBe(own());
});

it.each([0o770, 0o707, 0o755])('is no directory with the mode %i, which others may enter', (mode) => {
  mkdirSync(own());
  chmodSync(own(), mode);
  expect(compileCacheDirectory()).toBeUndefined();
});

it('is no directory below one that others may write', () => {
  chmodSync(folder, 0o777);
  expect(compileCacheDirectory()).toBeUndefined();
  expect(existsSync(own())).toBe(false);
});

const noRoot = cannotRun(process.getuid?.() !== 0, 'it needs root');

it.skipIf(noRoot)('is no directory that another user owns or could replace', () => {
  mkdirSync(own(), 0o700);
  chownSync(own(), 65_534, 65_534);
  expect(compileCacheDirectory()).toBeUndefined();
  chownSync(own(), 0, 0);
  expect(compileCacheDirectory()).toBe(own());
  chownSync(folder, 65_534, 65_534);
  expect(compileCacheDirectory()).toBeUndefined();
});

it('is not needed: the program runs without one, and writes none where it is turned off', async () => {
  const run = (env: NodeJS.ProcessEnv) =>
    finished(spawn(process.execPath, [program, '--version'], { env: { ...process.env, ...env } }));
  expect(await run({ NODE_DISABLE_COMPILE_CACHE: '1' })).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(own()) ? readdirSync(own()) : []).toEqual([]);
  expect(await run({ XDG_CACHE_HOME: '/proc/none' })).toMatchObject({ code: 0, stderr: '' });
});
