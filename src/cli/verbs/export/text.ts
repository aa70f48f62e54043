import type { DialectFacts } from '../../../policy/dialects/list-dialects.js';
import { renderTable } from '../../text/table.js';

/** Returns the systems as a table, in lines no longer than `width`. */
export function renderDialects(dialects: readonly DialectFacts[], width: number): string {
  const rows = dialects.map(({ name, title, cannotSay }) => [
    name,
    title,
    cannotSay.map(({ field }) => field).join(', '),
  ]);
  return renderTable(['NAME', { title: 'SYSTEM', least: 20 }, 'CANNOT SAY'], rows, width);
}
