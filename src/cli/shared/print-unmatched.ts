import type { ListQuery } from '../../host/list/list-query.js';
import { listThrough } from '../../host/list/listing.js';
import type { Selection } from '../../host/selection/selection.js';
import { selectionFilters } from '../../host/selection/selection-error.js';
import { explainUnmatched } from './explain-unmatched.js';
import { optionFlag } from './option-flag.js';
import { printMessage } from './output.js';
import type { SelectionOptions } from './selection-options.js';

/** Returns a query without its filters, except for the network namespace. */
function scopeOf({ selection, allNetns = false, allStates = false }: ListQuery): ListQuery {
  const { netns, state } = selection ?? {};
  return { allNetns, allStates: allStates || state !== undefined, selection: netns === undefined ? {} : { netns } };
}

/** Prints on standard error why nothing matches. Returns false, and prints nothing, if only filters such as --verdict exclude all rows. */
export function printIfUnnamed(
  query: ListQuery & { readonly selection: Selection },
  options: SelectionOptions,
): boolean {
  const { rows } = listThrough(undefined, scopeOf(query));
  const why = explainUnmatched(rows, query.selection, options);
  if (why !== undefined) printMessage(why);
  return why !== undefined;
}

/** Prints a sentence on standard error: nothing matches, and why. */
export function printUnmatched(query: ListQuery & { readonly selection: Selection }, options: SelectionOptions): void {
  if (printIfUnnamed(query, options)) return;
  const given = selectionFilters.filter((filter) => options[filter] !== undefined);
  const shown = given.map(optionFlag);
  printMessage(shown.length === 0 ? 'there is no connection' : `no connection matches ${shown.join(' and ')}`);
}
