import { bare, ours, type Variant, variants } from './accept-variants.js';
import { startChild } from './child.js';
import { atMost, type Report, renderTable, renderTargets, wrap } from './report.js';
import { hasStrace, withLog } from './strace.js';

const connections = 400;

const note =
  'The one setsockopt of the bare server is the SO_LINGER of its reset. All calls vary with how many events one ' +
  'epoll_wait brings.';

/** Calls by name. */
type Counts = ReadonlyMap<string, number>;

interface Row {
  readonly name: Variant;
  /** Calls that each further connection adds. */
  readonly setsockopt: number;
  readonly getsockopt: number;
  readonly all: number;
}

/** Reads the table of `strace -c`: share, seconds, microseconds a call, calls, errors if any, name. */
function readCounts(summary: string): Counts {
  const lines = summary.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm);
  return new Map([...lines].map(([, calls, name]) => [name as string, Number(calls)]));
}

/**
 * The calls of a server's main thread, which does all that concerns sockets, from its start to its end, in which it
 * accepts so many connections, one after another.
 */
async function countCalls(variant: Variant, accepted: number): Promise<Counts> {
  const summary = await withLog(async (file) => {
    const load = startChild('accept-load.ts', []);
    const server = startChild('accept-server.ts', [variant], ['strace', '-c', '-o', file]);
    try {
      await load.ready;
      await load.ask({ port: await server.ready, connections: accepted, atOnce: 1 });
    } finally {
      await Promise.all([load.end(), server.end()]);
    }
  });
  return readCounts(summary);
}

async function countRow(name: Variant): Promise<Row> {
  const [once, twice] = [await countCalls(name, connections), await countCalls(name, 2 * connections)];
  const slope = (call: string) => ((twice.get(call) ?? 0) - (once.get(call) ?? 0)) / connections;
  return { name, setsockopt: slope('setsockopt'), getsockopt: slope('getsockopt'), all: slope('total') };
}

/** Counts the system calls that each accepted connection costs a server, as the slope between two runs. */
export async function benchmarkSystemCalls(): Promise<Report> {
  if (!hasStrace()) throw new Error('counting system calls needs strace: install it and let it trace');
  const rows: Row[] = [];
  for (const name of variants) rows.push(await countRow(name));
  const optionCalls = (wanted: Variant) => {
    const row = rows.find(({ name }) => name === wanted);
    return row === undefined ? Number.NaN : row.setsockopt + row.getsockopt;
  };
  const targets = ours.map((name) =>
    atMost(`option calls, ${name} - ${bare}`, optionCalls(name) - optionCalls(bare), 0),
  );
  const table = renderTable([
    ['', 'setsockopt', 'getsockopt', 'all calls'],
    ...rows.map(({ name, setsockopt, getsockopt, all }) => [
      name,
      setsockopt.toFixed(3),
      getsockopt.toFixed(3),
      all.toFixed(1),
    ]),
  ]);
  return { data: { connections, rows, targets }, text: [table, '', wrap(note), '', renderTargets(targets)].join('\n') };
}
