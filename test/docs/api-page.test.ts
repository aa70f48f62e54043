import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from './blocks.js';

it('docs/api.md is what scripts/api-page.mjs makes from the docstrings: run the script after a build', () => {
  const program = `import('${path.join(projectRoot, 'scripts/api-page.mjs')}').then(({ apiPage }) => process.stdout.write(apiPage()))`;
  const made = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  expect(readFileSync(path.join(projectRoot, 'docs/api.md'), 'utf8')).toBe(made);
});
