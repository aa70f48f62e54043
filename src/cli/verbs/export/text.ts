import type { DialectFacts } from '../../../policy/dialects/list-dialects.js';
import { renderTable } from '../../text/table.js';

/** Returns the systems as a table, in lines no longer than `width`. */
export function renderDialects(dialects: readonly DialectFacts[], width: number): string {
  const rows = dialects.map(({ name, title, cannotSay }) => {
    const missing = cannotSay.map(({ field }) => (field === 'userTimeout' ? 'user timeout' : field));
    return [name, missing.join(', '), title];
  });
  return renderTable(['NAME', 'CANNOT SAY', { title: 'SYSTEM', least: 8 }], rows, width);
}
