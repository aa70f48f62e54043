import type { Omission } from '../../../host/list/connection.js';
import type { Grouping } from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import { type Fact, withoutFacts } from '../../../host/list/missing-facts.js';
import { dependsOnKeepAlive } from '../../../host/list/row.js';

/** Groupings that need the owner of a connection. */
const byOwner: readonly Grouping[] = ['process', 'unit'];

/** Returns the omissions to warn of: facts that no shown row lacks are left out, and what the summary counts. */
export function shownOmissions({ rows, incomplete }: Listing, group: Grouping | undefined): Omission[] {
  const hidden: Fact[] = ['match'];
  if (group !== undefined && !byOwner.includes(group)) hidden.push('owners');
  if (!rows.some(({ connection, verdict }) => verdict === null && dependsOnKeepAlive(connection)))
    hidden.push('options');
  return withoutFacts(incomplete, ...hidden);
}
