import type { Omission } from '../../../host/list/connection.js';
import type { Grouping } from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import { type Fact, withoutFacts } from '../../../host/list/missing-facts.js';
import { dependsOnKeepAlive } from '../../../host/list/row.js';

/** Groupings by what the owner of a connection tells. */
const byOwner: readonly Grouping[] = ['process', 'unit'];

/** Returns what is missing from the text of a list: what no shown row lacks is left out. */
export function shownOmissions({ rows, incomplete }: Listing, group: Grouping | undefined): Omission[] {
  const hidden: Fact[] = [];
  if (group !== undefined && !byOwner.includes(group)) hidden.push('owners');
  if (!rows.some(({ connection, verdict }) => verdict === null && dependsOnKeepAlive(connection)))
    hidden.push('options');
  return withoutFacts(incomplete, ...hidden);
}
