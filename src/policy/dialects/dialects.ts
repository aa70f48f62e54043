import { closestName } from '../closest-name.js';
import { describeValue } from '../errors.js';
import { libpq } from './clients/libpq.js';
import type { Dialect } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { c } from './languages/c.js';
import { go } from './languages/go.js';
import { node } from './languages/node.js';
import { python } from './languages/python.js';
import { haproxy } from './servers/haproxy.js';
import { nginx } from './servers/nginx.js';
import { postgresql } from './servers/postgresql.js';
import { redis } from './servers/redis.js';
import { sysctl } from './systems/sysctl.js';
import { systemd } from './systems/systemd.js';

/** The systems in whose words a policy can be said, in the order in which they are listed. */
export const dialects: readonly Dialect[] = [
  ...[nginx, haproxy, postgresql, redis],
  ...[libpq],
  ...[systemd, sysctl],
  ...[node, go, python, c],
];

/** The names of the systems that `exportPolicy` and `importPolicy` know. */
export const dialectNames: readonly string[] = dialects.map(({ name }) => name);

/** Other names of the same systems. */
const otherNames: Readonly<Record<string, string>> = {
  postgres: 'postgresql',
  pg: 'postgresql',
  psql: 'libpq',
};

/**
 * Returns the dialect of a system.
 *
 * @throws {DialectError} if there is none. The error has the names that are near.
 */
export function dialectNamed(name: string): Dialect {
  const found = dialects.find((dialect) => dialect.name === name);
  if (found !== undefined) return found;
  const given = String(name).toLowerCase();
  const meant = Object.hasOwn(otherNames, given) ? otherNames[given] : closestName(given, dialectNames);
  const known = `known are ${dialectNames.join(', ')}`;
  const hint = meant === undefined ? known : `did you mean "${meant}"?`;
  throw new DialectError(String(name), `unknown system ${describeValue(name)}; ${hint}`, {
    allowed: `one of ${dialectNames.join(', ')}`,
  });
}
