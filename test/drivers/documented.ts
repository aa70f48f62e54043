import { readFileSync } from 'node:fs';

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}

/** The rows of the table under a heading of a page of docs/, without its head and without code marks. */
export function tableUnder(heading: string, name = 'drivers.md'): string[][] {
  const page = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map(cellsOf);
}

const settings = tableUnder('What each driver does without a policy');
const signs = tableUnder('What you see when the server has vanished');
const places = tableUnder('Whose socket it is, and where');

const [here = ''] = process.versions.node.split('.');

/** What the table says that each setting of a driver does on the wire, with this version of Node.js. */
export function documentedSettings(driver: string, column: 'without a policy' | 'filled'): Record<string, string> {
  const index = column === 'without a policy' ? 2 : 3;
  const documented: Record<string, string> = {};
  for (const cells of settings.filter(([name]) => name === driver)) {
    const [setting = '', versions] = (cells[1] ?? '').split(', Node.js ');
    if (versions === undefined || versions.split(' and ').includes(here)) documented[setting] = cells[index] ?? '';
  }
  return documented;
}

/** By what the table says that a driver's user learns of a dead server. */
export function documentedSigns(driver: string): string[] {
  const [, text = ''] = signs.find(([name]) => name === driver) ?? [];
  return text === 'nothing' ? [] : text.split(', ');
}

/** The expression that the table has for a driver's socket; `none` if there is none. */
export function documentedPlace(driver: string): string | undefined {
  return places.find(([name]) => name === driver)?.[2];
}
