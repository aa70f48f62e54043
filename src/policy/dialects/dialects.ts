import { nearestNames } from '../closest-name.js';
import { describeValue } from '../errors.js';
import { curl } from './clients/curl.js';
import { grpc } from './clients/grpc.js';
import { libpq } from './clients/libpq.js';
import { pgjdbc } from './clients/pgjdbc.js';
import { ssh } from './clients/ssh.js';
import type { Dialect } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { c } from './languages/c.js';
import { dotnet } from './languages/dotnet.js';
import { go } from './languages/go.js';
import { java } from './languages/java.js';
import { node } from './languages/node.js';
import { python } from './languages/python.js';
import { rust } from './languages/rust.js';
import { envoy } from './servers/envoy.js';
import { haproxy } from './servers/haproxy.js';
import { mosquitto } from './servers/mosquitto.js';
import { mysql } from './servers/mysql.js';
import { nginx } from './servers/nginx.js';
import { postgresql } from './servers/postgresql.js';
import { rabbitmq } from './servers/rabbitmq.js';
import { redis } from './servers/redis.js';
import { docker } from './systems/docker.js';
import { kubernetes } from './systems/kubernetes.js';
import { sysctl } from './systems/sysctl.js';
import { systemd } from './systems/systemd.js';

/** Makes the table of each system when it is asked for: most programs that load this package need none. */
const makers: Readonly<Record<string, () => Dialect>> = {
  ...{ nginx, haproxy, envoy, postgresql, mysql, redis, rabbitmq, mosquitto },
  ...{ libpq, pgjdbc, curl, ssh, grpc },
  ...{ systemd, sysctl, kubernetes, docker },
  ...{ node, go, rust, python, java, dotnet, c },
};

const made = new Map<string, Dialect>();

/** The names of the systems that `exportPolicy` and `importPolicy` know, in the order in which they are listed. */
export const dialectNames: readonly string[] = Object.freeze(Object.keys(makers));

/** Other names of the same systems. */
const otherNames: Readonly<Record<string, string>> = {
  postgres: 'postgresql',
  pg: 'postgresql',
  psql: 'libpq',
  psycopg: 'libpq',
  jdbc: 'pgjdbc',
  mariadb: 'mysql',
  valkey: 'redis',
  istio: 'envoy',
  mqtt: 'mosquitto',
  k8s: 'kubernetes',
  podman: 'docker',
  compose: 'docker',
  'docker-compose': 'docker',
  nodejs: 'node',
  javascript: 'node',
  js: 'node',
  ts: 'node',
  typescript: 'node',
  golang: 'go',
  py: 'python',
  kotlin: 'java',
  'c#': 'dotnet',
  csharp: 'dotnet',
  '.net': 'dotnet',
  mysql2: 'mysql',
  ioredis: 'redis',
  iovalkey: 'redis',
  'grpc-js': 'grpc',
  '@grpc/grpc-js': 'grpc',
  'c++': 'c',
  cpp: 'c',
  libcurl: 'curl',
  openssh: 'ssh',
  sshd: 'ssh',
};

/** Drivers and clients of Node.js, whose connections need no text: `tcp-keepalive/register` gives them a policy. */
const nodeDrivers: ReadonlySet<string> = new Set([
  ...['pg', 'pg-pool', 'pg-promise', 'postgres', 'mysql2', 'mssql', 'tedious', 'oracledb', 'mongodb', 'mongoose'],
  ...['ioredis', 'iovalkey', 'cassandra-driver', 'prisma', 'sequelize', 'knex', 'typeorm', 'kafkajs', 'nats'],
  ...['amqplib', 'rhea', 'mqtt', 'ws', 'socket.io', 'undici', 'axios', 'got', 'node-fetch', 'grpc-js', '@grpc/grpc-js'],
]);

/** Shorter names are near too many others. */
const leastLetters = 3;

/** Returns the names that may have been meant. */
function namesMeant(given: string): string[] {
  const other = Object.hasOwn(otherNames, given) ? otherNames[given] : undefined;
  if (other !== undefined) return [other];
  return given.length < leastLetters ? [] : nearestNames(given, dialectNames);
}

/** Returns the hint for a driver of Node.js, after that for a system of nearly the same name; undefined if it is none. */
function driverHint(name: unknown, near: string): string | undefined {
  if (typeof name !== 'string' || !nodeDrivers.has(name.toLowerCase())) return undefined;
  return `${near} For the driver of Node.js, pass --import tcp-keepalive/register to node (docs/drivers.md)`.trim();
}

/**
 * Returns the dialect of a system.
 *
 * @throws {DialectError} if there is none. The error has the names that are near.
 */
export function dialectNamed(name: string): Dialect {
  const make = typeof name === 'string' && Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make !== undefined) {
    const dialect = made.get(name) ?? make();
    made.set(name, dialect);
    return dialect;
  }
  const known = dialectNames.join(', ');
  const meant = typeof name === 'string' ? namesMeant(name.toLowerCase()) : [];
  const near = meant.length === 0 ? '' : `did you mean "${meant.join('" or "')}"?`;
  const hint = driverHint(name, near) ?? (near === '' ? `known are ${known}` : near);
  const shown = describeValue(name);
  throw new DialectError(typeof name === 'string' ? name : shown, `unknown system ${shown}; ${hint}`, {
    allowed: `one of ${known}`,
  });
}
