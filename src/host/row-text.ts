import type { ConnectionRow } from './row.js';
import { lastHeardMs } from './row.js';

/** Gives the JSON text of a row. */
export type RowWriter = (row: ConnectionRow) => string;

/** Writes text or null as JSON, and remembers it: most connections share the same few names. */
function createQuote(): (text: string | null) => string {
  const known = new Map<string | null, string>();
  return (text) => {
    let quoted = known.get(text);
    if (quoted === undefined) {
      quoted = JSON.stringify(text);
      known.set(text, quoted);
    }
    return quoted;
  };
}

/**
 * Makes a function that gives what `JSON.stringify(toJson(row))` gives, several times faster: of tens of thousands of
 * rows, the objects in between would be most of the work. Addresses, states and verdicts have nothing to escape.
 */
export function createRowWriter(): RowWriter {
  const quote = createQuote();
  return (row) => {
    const { connection, keepAlive, process, verdict } = row;
    const { local, remote, timer } = connection;
    const options =
      keepAlive === null
        ? 'null'
        : `{"enabled":${keepAlive.enabled},"idle":${keepAlive.idle},"interval":${keepAlive.interval},"count":${keepAlive.count},"userTimeout":${keepAlive.userTimeout}}`;
    return (
      `{"local":{"address":"${local.address}","port":${local.port}},` +
      `"remote":{"address":"${remote.address}","port":${remote.port}},"state":"${connection.state}",` +
      `"keepAlive":${options},` +
      `"timer":${timer === null ? 'null' : `{"kind":"${timer.kind}","expiresMs":${timer.expiresMs}}`},` +
      `"unanswered":${connection.unanswered},"lastHeardMs":${lastHeardMs(connection)},` +
      `"process":${process === null ? 'null' : `{"pid":${process.pid},"name":${quote(process.name)}}`},` +
      `"unit":${quote(row.unit)},"cgroup":${quote(row.cgroup)},"netns":${connection.netns},` +
      `"verdict":${verdict === null ? 'null' : `"${verdict}"`}}`
    );
  };
}
