import type { Group } from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import { type SortOrder, sortRows } from '../../../host/list/order.js';
import { type ConnectionRow, toJson } from '../../../host/list/row.js';
import { recommendedIdle } from '../../../policy/plan/judge-behind.js';
import { hasReader, printJsonText } from '../../shared/output.js';

/** Written one after the other, texts of this many rows are never all in memory. */
const rowsAtOnce = 500;

/** What stands before, between and after the items of a list. */
interface Layout {
  readonly start: string;
  readonly separator: string;
  readonly end: string;
}

/** One item a line. */
const lines: Layout = { start: '[\n', separator: ',\n', end: '\n]' };
const oneLine: Layout = { start: '[', separator: ',', end: ']' };

/** Writes a list as JSON, piece by piece, because a machine may have very many connections. */
function writeItems<Item>(
  items: readonly Item[],
  json: (item: Item) => unknown,
  { start, separator, end }: Layout,
): void {
  printJsonText(start);
  for (let at = 0; at < items.length && hasReader(); at += rowsAtOnce) {
    const piece = items.slice(at, at + rowsAtOnce).map((item) => JSON.stringify(json(item)));
    printJsonText(piece.join(separator) + (at + rowsAtOnce < items.length ? separator : ''));
  }
  printJsonText(end);
}

/** How rows are shown. */
interface Shown {
  readonly sort: SortOrder;
  /** Shown in place of the rows. */
  readonly groups: readonly Group[] | undefined;
}

function writeObject(
  { rows, notJudged, incomplete, behind }: Listing,
  { sort, groups }: Shown,
  layout: Layout,
  head = '',
): void {
  printJsonText(`{${head}"${groups === undefined ? 'connections' : 'groups'}":`);
  if (groups === undefined) writeItems<ConnectionRow>(sortRows(rows, sort), toJson, layout);
  else writeItems<Group>(groups, (item) => item, layout);
  const box = behind && { ...behind, recommendedIdleMs: recommendedIdle(behind) ?? null };
  printJsonText(box === undefined ? '' : `,"behind":${JSON.stringify(box)}`);
  printJsonText(`,"notJudged":${JSON.stringify(notJudged)},"incomplete":${JSON.stringify(incomplete)}}\n`);
}

/** Prints the connections, or their groups, as JSON. */
export function writeListing(listing: Listing, shown: Shown): void {
  writeObject(listing, shown, lines);
}

/** Prints one list of several as a line of JSON, with its time. */
export function writeFrame(listing: Listing, at: Date, shown: Shown): void {
  writeObject(listing, shown, oneLine, `"time":"${at.toISOString()}",`);
}
