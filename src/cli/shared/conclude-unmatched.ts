import type { ListQuery } from '../../host/list/list-query.js';
import { listThrough } from '../../host/list/listing.js';
import type { Selection } from '../../host/selection/selection.js';
import { exitCodes } from '../exit-codes.js';
import { explainUnmatched } from './explain-unmatched.js';
import { printMessage } from './output.js';
import type { SelectionOptions } from './selection-options.js';

/** Returns a query without its filters, except for the network namespace. */
function scopeOf({ selection, allNetns = false, allStates = false }: ListQuery): ListQuery {
  const { netns, state } = selection ?? {};
  return { allNetns, allStates: allStates || state !== undefined, selection: netns === undefined ? {} : { netns } };
}

/**
 * Returns the exit code of a verb that found nothing. Prints why on standard error if no connection has what the filters name:
 * where only filters such as --verdict exclude all, there is nothing to do, and nothing is wrong.
 */
export function concludeUnmatched(
  query: ListQuery & { readonly selection: Selection },
  options: SelectionOptions,
): number {
  const { rows } = listThrough(undefined, scopeOf(query));
  const why = explainUnmatched(rows, query.selection, options);
  if (why === undefined) return exitCodes.done;
  printMessage(why);
  return exitCodes.nothing;
}
