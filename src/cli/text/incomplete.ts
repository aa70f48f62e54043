import type { Omission } from '../../host/list/connection.js';
import { printable } from './printable.js';

/** What could not be shown and why, a line each, every line once. */
export function renderIncomplete(lines: readonly Omission[]): string {
  const texts = lines.map(({ what, why }) => `not shown: ${printable(what)} (${printable(why)})\n`);
  return [...new Set(texts)].join('');
}
