import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { namedBlock, projectRoot } from '../docs/blocks.js';
import { lacks } from '../drivers/servers/installed.js';
import { postgresqlPrograms, startPostgresql } from '../drivers/servers/postgresql.js';
import { consumer, printed, tool } from './consumer.js';

const jest = (...options: string[]) => [...options, tool('jest/bin/jest.js'), '--json', '--runInBand'];
const mocha = [tool('mocha/bin/mocha.js'), '--reporter', 'json', '--timeout', '20000'];
const vitest = [tool('vitest/vitest.mjs'), 'run', '--reporter', 'json'];

/** Two test files, which some runners evaluate in one process, each with a copy of the package of its own. */
const files = (extension: string, from: string) =>
  Object.fromEntries(['one', 'two'].map((name) => [`${name}.test.${extension}`, `runners/dead-peer.${from}`]));

const typeScript = {
  strict: true,
  module: 'commonjs',
  target: 'es2022',
  esModuleInterop: true,
  types: ['jest', 'node'],
};
const settings = {
  'jest, by default': [jest(), files('js', 'cjs'), { jest: { testTimeout: 20_000 } }],
  'jest, with ES modules': [
    jest('--experimental-vm-modules', '--no-warnings'),
    files('mjs', 'mjs'),
    { jest: { testTimeout: 20_000, testMatch: ['**/*.test.mjs'] } },
  ],
  'ts-jest, with module commonjs': [
    jest(),
    { ...files('ts', 'ts'), 'tsconfig.json': { compilerOptions: typeScript } },
    { jest: { preset: 'ts-jest', testTimeout: 20_000 } },
  ],
  'mocha, with require': [[...mocha, '*.test.cjs'], files('cjs', 'cjs'), {}],
  'mocha, with import': [[...mocha, '*.test.mjs'], files('mjs', 'mjs'), {}],
  vitest: [vitest, { ...files('mjs', 'mjs'), 'vitest.config.mjs': 'runners/vitest.config.mjs' }, {}],
} as const;

interface Report {
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly stats?: { readonly passes: number; readonly failures: number };
}

describe.concurrent('a test of a dead peer passes in', () => {
  it.each(Object.entries(settings))('%s', async (name, [args, sources, manifest]) => {
    const folder = consumer(name.replaceAll(/\W+/g, '-'), {
      ...sources,
      'package.json': { private: true, ...manifest },
    });
    const { numPassedTests, numFailedTests, stats } = await printed<Report>(folder, args);
    expect([numPassedTests ?? stats?.passes, numFailedTests ?? stats?.failures]).toEqual([4, 0]);
  });

  it('jest, as the documents have it', async () => {
    const folder = consumer('documented', { 'package.json': { private: true } });
    writeFileSync(path.join(folder, 'documented.test.js'), namedBlock('docs/commonjs.md', 'jest').code);
    expect(await printed<Report>(folder, jest())).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
  });

  it.skipIf(lacks(postgresqlPrograms() ?? 'postgresql'))(
    'jest, of a pool, and ends by itself',
    async ({ onTestFinished }) => {
      const folder = consumer('pool', { 'package.json': { private: true } });
      writeFileSync(path.join(folder, 'crashable-proxy.cjs'), namedBlock('docs/recipes.md', 'proxy').code);
      writeFileSync(path.join(folder, 'pool.test.js'), namedBlock('docs/recipes.md', 'jest-pool').code);
      mkdirSync(path.join(folder, 'node_modules'));
      symlinkSync(path.join(projectRoot, 'node_modules/pg'), path.join(folder, 'node_modules/pg'));
      const server = await startPostgresql();
      onTestFinished(() => server.stop());
      const report = await printed<Report>(folder, jest(), { PGPORT: `${server.port}` });
      expect(report).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
    },
  );
});
