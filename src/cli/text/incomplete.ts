import type { Omission } from '../../host/list/connection.js';
import { printable } from './printable.js';

/** Returns what could not be shown and why, a line each, every line once. */
export function incompleteLines(omissions: readonly Omission[]): string[] {
  return [...new Set(omissions.map(({ what, why }) => printable(`not shown: ${what} (${why})`)))];
}
