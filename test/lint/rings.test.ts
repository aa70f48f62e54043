import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'rings-'));
  cpSync(path.join(project, 'biome.json'), path.join(scratch, 'biome.json'));
});

afterAll(() => rmSync(scratch, { recursive: true }));

/** Lints one file of one folder, with the project's own configuration. */
function lint(file: string, code: string): string {
  const target = path.join(scratch, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, code);
  const biome = path.join(project, 'node_modules/.bin/biome');
  const { stdout, stderr } = spawnSync(biome, ['lint', '--vcs-enabled=false', file], {
    cwd: scratch,
    encoding: 'utf8',
  });
  return stdout + stderr;
}

describe('imports point inwards', () => {
  it.each([
    ['src/policy', 'node:fs'],
    ['src/policy', '../wire/tcp-info.js'],
    ['src/wire', 'node:fs'],
    ['src/wire', '../native/index.js'],
    ['src/native', '../policy/index.js'],
    ['src/native', '../socket/index.js'],
    ['src/socket', 'koffi'],
    ['src/socket', '../testing/index.js'],
    ['src/socket/platforms', '../../cli/main.js'],
    ['src/host', 'koffi'],
    ['src/host', '../testing/index.js'],
    ['src/testing', 'koffi'],
    ['src/testing', '../cli/main.js'],
    ['src/cli/commands', 'koffi'],
    ['src/socket', '../index.js'],
  ])('%s may not import %s', (folder, source) => {
    expect(lint(`${folder}/outward.ts`, `import * as x from '${source}';\nexport const y = x;\n`)).toContain(
      'lint/style/noRestrictedImports',
    );
  });

  it.each([
    ['src/wire', '../policy/index.js'],
    ['src/native', 'koffi'],
    ['src/native', '../wire/tcp-info.js'],
    ['src/socket', 'node:net'],
    ['src/socket', '../native/index.js'],
    ['src/host', '../socket/index.js'],
    ['src/testing', '../socket/index.js'],
    ['src/cli/commands', '../../socket/index.js'],
  ])('%s may import %s', (folder, source) => {
    expect(lint(`${folder}/inward.ts`, `import * as x from '${source}';\nexport const y = x;\n`)).not.toContain(
      'noRestrictedImports',
    );
  });
});
