import type { Verdict } from '../../policy/model/verdict.js';
import type { Endpoint } from '../../wire/endpoint.js';
import { parseAddress } from '../../wire/ip-address.js';
import { shownName } from '../owners/processes.js';
import { type ConnectionRow, lastHeardMs, unitName } from './row.js';

type SortValue = number | string | null;

const severity: Readonly<Record<Verdict, number>> = { unprotected: 0, exposed: 1, slow: 2, protected: 3 };
const leastSevere = 4;

/** Text that sorts as the address and then the port do, IPv4 before IPv6: their numbers as its code units. */
function endpointValue({ address, port }: Endpoint): string {
  const bytes = parseAddress(address) ?? [];
  return String.fromCharCode(bytes.length, ...bytes, port);
}

const downwards = (value: number | null): SortValue => (value === null ? null : -value);

/** By what rows can be sorted. What may need attention comes first: the worst verdict, the longest silence. */
const values = {
  process: ({ process }: ConnectionRow) => process && shownName(process),
  pid: ({ process }: ConnectionRow) => process?.pid ?? null,
  unit: unitName,
  local: ({ connection }: ConnectionRow) => endpointValue(connection.local),
  remote: ({ connection }: ConnectionRow) => endpointValue(connection.remote),
  port: ({ connection }: ConnectionRow) => connection.local.port,
  state: ({ connection }: ConnectionRow) => connection.state,
  idle: ({ keepAlive }: ConnectionRow) => (keepAlive?.enabled ? keepAlive.idle : null),
  timer: ({ connection }: ConnectionRow) => connection.timer?.expiresMs ?? null,
  unanswered: ({ connection }: ConnectionRow) => downwards(connection.unanswered),
  heard: ({ connection }: ConnectionRow) => downwards(lastHeardMs(connection)),
  'in-flight': ({ connection }: ConnectionRow) =>
    connection.state === 'LISTEN' ? null : downwards(connection.sendQueue),
  verdict: ({ verdict }: ConnectionRow) => (verdict === null ? null : severity[verdict]),
  /** The most unanswered probes, then the worst verdict. */
  urgency: ({ connection, verdict }: ConnectionRow) =>
    (verdict === null ? leastSevere : severity[verdict]) - connection.unanswered * (leastSevere + 1),
} as const satisfies Readonly<Record<string, (row: ConnectionRow) => SortValue>>;

export type SortKey = keyof typeof values;

export const sortKeys = Object.keys(values) as readonly SortKey[];

/** How rows are to be sorted. */
export interface SortOrder {
  readonly key: SortKey;
  readonly isReversed: boolean;
}

/** Reads `heard`, or `-heard` for the other way round; `undefined` where there is no such key. */
export function parseSortOrder(text: string): SortOrder | undefined {
  const isReversed = text.startsWith('-');
  const key = sortKeys.find((other) => other === (isReversed ? text.slice(1) : text));
  return key === undefined ? undefined : { key, isReversed };
}

function compare(a: SortValue, b: SortValue, sign: number): number {
  if (a === b) return 0;
  // What is not known comes last either way.
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -sign : sign;
}

/** Gives the rows in order; those that are equal stay as they were. */
export function sortRows(rows: readonly ConnectionRow[], { key, isReversed }: SortOrder): ConnectionRow[] {
  const read = values[key];
  const first = rows[0] && read(rows[0]);
  // Such as the verdicts of a list without options.
  if (rows.every((row) => read(row) === first)) return [...rows];
  const keyed = rows.map((row) => ({ row, value: read(row) }));
  const sign = isReversed ? -1 : 1;
  return keyed.sort((a, b) => compare(a.value, b.value, sign)).map(({ row }) => row);
}
