import type { Group } from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import { type SortOrder, sortRows } from '../../../host/list/order.js';
import { type ConnectionRow, toJson } from '../../../host/list/row.js';
import { hasReader, printJsonText } from '../../shared/output.js';

/** Written one after the other, texts of this many rows are never all in memory. */
const rowsAtOnce = 500;

/** Writes lists as JSON, one item a line, because a machine may have very many connections. */
function writeItems<Item>(
  key: string,
  items: readonly Item[],
  json: (item: Item) => unknown,
  { notJudged, incomplete }: Listing,
): void {
  printJsonText(`{"${key}":[\n`);
  for (let at = 0; at < items.length && hasReader(); at += rowsAtOnce) {
    const lines = items
      .slice(at, at + rowsAtOnce)
      .map((item) => JSON.stringify(json(item)))
      .join(',\n');
    printJsonText(at + rowsAtOnce < items.length ? `${lines},\n` : lines);
  }
  const rest = `"notJudged":${JSON.stringify(notJudged)},"incomplete":${JSON.stringify(incomplete)}`;
  printJsonText(`\n],${rest}}\n`);
}

/** Prints the connections, or their groups, as JSON. */
export function writeListing(listing: Listing, sort: SortOrder, groups: readonly Group[] | undefined): void {
  const { rows } = listing;
  if (groups === undefined) writeItems<ConnectionRow>('connections', sortRows(rows, sort), toJson, listing);
  else writeItems<Group>('groups', groups, (item) => item, listing);
}
