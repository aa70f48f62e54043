import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consumer, printed } from './consumer.js';

// esbuild makes no ES module of a program that requires built-in modules, whatever the program depends on.
const bundles = [
  ...['esbuild-imported.cjs', 'esbuild-imported.mjs', 'esbuild-required.cjs'],
  ...['webpack-imported.cjs', 'webpack-required.cjs'],
  ...['rollup-imported.cjs', 'rollup-imported.mjs', 'rollup-required.cjs', 'rollup-required.mjs'],
];

type Outcomes = Record<'inMain' | 'inWorker', Record<string, unknown>>;

let folder: string;
let elsewhere: string;
beforeAll(async () => {
  folder = consumer('bundlers', { '.': 'bundlers', 'package.json': { private: true } });
  elsewhere = mkdtempSync(path.join(tmpdir(), 'keepalive-bundles-'));
  await printed(folder, ['bundle.mjs']);
  for (const bundle of bundles) cpSync(path.join(folder, bundle), path.join(elsewhere, bundle));
});
afterAll(() => rmSync(elsewhere, { recursive: true }));

describe.concurrent.each(bundles)('a bundle of a program, %s', (bundle) => {
  it('does everything beside node_modules, also in a worker thread', async () => {
    const all = { earliestMs: 45_000, idle: 30_000, readBack: 30_000, listed: true, crashed: true };
    expect(await printed(folder, [bundle])).toEqual({ inMain: all, inWorker: all });
  });

  it('loads without node_modules, and the calls that need koffi say what is missing', async () => {
    const { inMain, inWorker } = await printed<Outcomes>(elsewhere, [bundle]);
    const noKoffi = expect.stringMatching(/requires .*koffi.*Cannot find module.*beside a bundled program/);
    const noPackage = expect.stringMatching(/requires .*the package tcp-keepalive, installed beside the bundle/);
    const refused = (reason: string) => ({ earliestMs: 45_000, readBack: reason, listed: reason, crashed: reason });
    expect(inMain).toMatchObject(refused(noKoffi));
    expect(inWorker).toMatchObject(refused(noPackage));
    for (const { idle } of [inMain, inWorker]) expect([30_000, noKoffi, noPackage]).toContainEqual(idle);
  });
});
