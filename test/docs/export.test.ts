import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { listDialects } from '../../src/policy/dialects/list-dialects.js';
import { projectRoot } from './blocks.js';

const fieldNames: Readonly<Record<string, string>> = { enabled: 'on or off', userTimeout: 'user timeout' };
const spoken = (field: string) => fieldNames[field] ?? field;
/** The rows of the table in docs/export.md. */
function rows(): string[] {
  return listDialects().map(({ name, title, words, cannotSay }) => {
    const said = words.map(({ word, says }) => {
      const units = says.map(({ field, unit }) => `${spoken(field)} ${field === 'enabled' ? '' : `in ${unit}`}`.trim());
      return `\`${word}\`: ${units.join(', ').replaceAll('count in probes', 'count')}`;
    });
    const missing = cannotSay.map(({ field, why }) => `${spoken(field)}: ${why}`);
    return `| \`${name}\` | ${title} | ${said.join('; ')} | ${missing.join('; ')} |`;
  });
}

/** The lines of the list of sources in docs/export.md. */
function sources(): string[] {
  return listDialects().map(({ name, source, unsure }) => {
    const notSure = unsure.map((fact) => `. Unsure: ${fact}`);
    return `- \`${name}\`: ${source}${notSure.join('')}`;
  });
}

it('docs/export.md has the source of each system, and what no source confirms', () => {
  const page = readFileSync(path.join(projectRoot, 'docs/export.md'), 'utf8');
  expect(page.split('\n').filter((line) => line.startsWith('- `'))).toEqual(sources());
  for (const { checked } of listDialects()) expect(page).toContain(`checked on ${checked}`);
});

it('docs/export.md has each system, its words and what it cannot say', () => {
  const page = readFileSync(path.join(projectRoot, 'docs/export.md'), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  expect(table).toEqual(rows());
});
