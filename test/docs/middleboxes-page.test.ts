import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { middleboxes, recommendedIdle } from '../../src/index.js';
import { projectRoot } from './blocks.js';

const page = readFileSync(path.join(projectRoot, 'docs/middleboxes.md'), 'utf8');

it('docs/middleboxes.md is what scripts/middleboxes-page.mjs makes from the table: run the script after a build', () => {
  const script = path.join(projectRoot, 'scripts/middleboxes-page.mjs');
  const program = `import('${script}').then(({ middleboxesPage }) => process.stdout.write(middleboxesPage()))`;
  expect(page).toBe(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }));
});

it('docs/middleboxes.md has a row and a source for each middlebox, and marks what is not confirmed', () => {
  for (const { name, title, sure } of middleboxes) {
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| .* \\| ${sure} \\|$`, 'm'));
    expect(page).toContain(`\`${name}\` | ${title} |`);
    expect(page).toContain(`- \`${name}\`, ${sure}: `);
  }
});

it('an idle time of 30 s is below all that are recommended, as the pages say', () => {
  const idles = middleboxes.flatMap((middlebox) => recommendedIdle(middlebox) ?? []);
  expect(Math.min(...idles)).toBeGreaterThan(30_000);
});
