import { InvalidArgumentError } from 'commander';
import type { PathTarget } from '../../../socket/path/open-connection.js';

const bracketed = /^\[(?<host>[^[\]]+)\]:(?<port>\d{1,5})$/;
const plain = /^(?<host>[^[\]:/\s]+):(?<port>\d{1,5})$/;

/** Reads a port as commander wants arguments read. */
export function portArgument(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a whole number from 1 to 65535.');
}

/** Reads `HOST:PORT`; an IPv6 address stands in brackets. */
export function targetArgument(text: string): PathTarget {
  const { host, port } = (bracketed.exec(text) ?? plain.exec(text))?.groups ?? {};
  if (host !== undefined && port !== undefined) return { host, port: portArgument(port) };
  throw new InvalidArgumentError("A host and a port are needed, such as 'db.example:5432' or '[2001:db8::1]:443'.");
}
