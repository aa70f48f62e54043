import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/drivers.md', import.meta.url), 'utf8');

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The rows of the table under a heading of docs/drivers.md, without its head. */
export function tableUnder(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map(cellsOf);
}

const withoutMarks = (cell: string) => cell.replaceAll('`', '');

/** What the table says that each setting of a driver does on the wire. */
export function documentedSettings(driver: string): Record<string, string> {
  const rows = tableUnder('What a driver does by itself').filter(([name = '']) => withoutMarks(name) === driver);
  return Object.fromEntries(rows.map(([, setting = '', wire = '']) => [withoutMarks(setting), withoutMarks(wire)]));
}

/** By what the table says that a driver's user learns of a dead server. */
export function documentedSigns(driver: string): string[] {
  const rows = tableUnder('When the server has vanished');
  const [, signs = ''] = rows.find(([name = '']) => withoutMarks(name) === driver) ?? [];
  return signs === 'nothing' ? [] : signs.split(', ').map(withoutMarks);
}
