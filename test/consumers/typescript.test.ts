import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { consumer, runNode, tool } from './consumer.js';

const compilers = { '5.4': 'typescript-5.4', '5.9': 'typescript', '7': 'typescript-7' } as const;

interface Setting {
  readonly module: string;
  readonly moduleResolution: string;
  readonly type?: 'module' | 'commonjs';
  /** The compilers that accept the setting. */
  readonly versions: readonly (keyof typeof compilers)[];
}

const settings: readonly Setting[] = [
  { module: 'commonjs', moduleResolution: 'node10', versions: ['5.4', '5.9'] },
  { module: 'commonjs', moduleResolution: 'bundler', versions: ['7'] },
  { module: 'node16', moduleResolution: 'node16', versions: ['5.4', '5.9', '7'] },
  { module: 'node16', moduleResolution: 'node16', type: 'module', versions: ['5.4', '5.9', '7'] },
  { module: 'nodenext', moduleResolution: 'nodenext', type: 'module', versions: ['5.4', '5.9', '7'] },
  { module: 'esnext', moduleResolution: 'bundler', type: 'module', versions: ['5.4', '5.9', '7'] },
  { module: 'preserve', moduleResolution: 'bundler', type: 'module', versions: ['5.4', '5.9', '7'] },
];

const cases = settings.flatMap(({ versions, ...setting }) => versions.map((version) => ({ version, ...setting })));

describe.concurrent('a program that imports all entry points passes the strict check of the declarations too', () => {
  it.each(cases)('TypeScript $version, module $module, resolution $moduleResolution, $type', async (setting) => {
    const { version, module, moduleResolution, type = 'commonjs' } = setting;
    const folder = consumer(`typescript-${version}-${module}-${moduleResolution}-${type}`, {
      'program.ts': 'typescript/program.ts',
      'package.json': { private: true, type },
      'tsconfig.json': {
        compilerOptions: {
          ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
          ...{
            target: 'es2022',
            lib: ['es2022'],
            module,
            moduleResolution,
            esModuleInterop: true,
            noEmit: true,
            types: ['node'],
          },
        },
        files: ['program.ts'],
      },
    });
    const { stdout, stderr } = await runNode(folder, [tool(path.join(compilers[version], 'bin/tsc')), '-p', '.']);
    expect(stdout + stderr).toBe('');
  });
});
