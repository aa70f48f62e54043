import net from 'node:net';
import { ConfigurationError } from '../../policy/configuration-error.js';
import { readMilliseconds } from '../../policy/duration.js';
import { OptionsCheck } from '../../policy/options-check.js';
import type { PathVerdict, Trial } from '../../policy/path/path-verdict.js';
import { type GridRange, leastRestMs } from '../../policy/path/rest-grid.js';
import type { Duration } from '../../policy/policy.js';
import { secondsMeant } from '../../policy/unit-slip.js';
import { assertSignal } from '../abort-signal.js';
import type { PathTarget } from './open-connection.js';
import { longestRestMs } from './rest-request.js';
import type { AskingEnd } from './resting-connection.js';

/** The progress of a measurement. */
export interface PathProgress {
  /** The pass, counted from 1. */
  readonly pass: number;
  /** How many connections are at rest. */
  readonly resting: number;
  /** The longest time that this pass still takes, in milliseconds. */
  readonly leftMs: number;
  /** What is known so far. */
  readonly known: PathMeasurement;
}

/** Options of {@link measurePath}. */
export interface PathOptions extends PathTarget {
  /**
   * The shortest rest: a number of milliseconds, or text with a unit. At least 1 s.
   *
   * @default '30s'
   */
  readonly min?: Duration | undefined;
  /**
   * The longest rest, at most a day.
   *
   * @default '20m'
   */
  readonly max?: Duration | undefined;
  /**
   * The most connections that are open at once, 2 to 1000. With fewer than 40 the rests of the first pass differ by more than
   * 10 %, and the measurement takes more passes.
   *
   * @default 40
   */
  readonly connections?: number | undefined;
  /**
   * Which end speaks first after the rest. `'server'` needs `tcp-keepalive nat serve` at the other end.
   *
   * @default 'client'
   */
  readonly asking?: AskingEnd | undefined;
  /** Ends the measurement: the call rejects with the signal's reason, and all connections are closed. */
  readonly signal?: AbortSignal | undefined;
  /** Is called about four times a second, and with each result. */
  readonly onProgress?: ((progress: PathProgress) => void) | undefined;
}

/** The result of measuring a path. */
export interface PathMeasurement extends PathVerdict {
  /** The address that was measured. */
  readonly address: string;
  /** The port that was measured. */
  readonly port: number;
  /** The most connections that were open at once. */
  readonly connections: number;
  /** Each connection that rested, with its result. */
  readonly trials: readonly Trial[];
  /** Why the measurement is not complete; empty if it is. */
  readonly incomplete: readonly string[];
}

/** The most connections that one measurement opens, and that `nat serve` takes. */
export const mostConnections = 1000;

const source = 'measurePath';
const optionNames = ['host', 'port', 'min', 'max', 'connections', 'asking', 'signal', 'onProgress'];

function restOf(check: OptionsCheck, name: 'min' | 'max', given: Duration): number {
  const ms = readMilliseconds(given);
  const slip = secondsMeant(given, leastRestMs);
  if (ms !== undefined && ms >= leastRestMs && ms <= longestRestMs) return Math.round(ms);
  return check.refuse(name, "a duration from 1 s to 24 h, such as '30s'", given, slip && `; ${slip}`);
}

/** The options of a measurement as they were when it began. */
export interface CheckedPathOptions extends Pick<PathOptions, 'signal' | 'onProgress'> {
  readonly target: PathTarget;
  readonly range: GridRange;
  readonly asking: AskingEnd;
}

/** Returns whether a host is a link-local IPv6 address without a zone (fe80::/10, RFC 4007). */
const isLinkLocal = (host: string) => /^fe[89ab][\da-f]:/i.test(host) && !host.includes('%') && net.isIPv6(host);

/** The longest name that a host can have (RFC 1035, section 2.3.4). */
const longestHost = 253;

/**
 * Checks the options of a measurement. Reads each option once, so that what is checked is what is used.
 *
 * @throws {ConfigurationError} naming the option that is wrong.
 */
export function checkPathOptions(options: PathOptions): CheckedPathOptions {
  const check = new OptionsCheck(source, options, optionNames);
  const { host, port, min = '30s', max = '20m', connections = 40, asking = 'client', signal, onProgress } = options;
  if (typeof host !== 'string' || host === '' || host.length > longestHost) {
    check.refuse('host', 'the name or address of a host', host);
  }
  // Node.js 24 would choose an interface itself, Node.js 20 would not.
  if (isLinkLocal(host))
    check.refuse('host', 'an address with its zone if it is link-local, such as fe80::1%eth0', host);
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    check.refuse('port', 'a whole number from 1 to 65535', port);
  }
  const [minMs, maxMs] = [restOf(check, 'min', min), restOf(check, 'max', max)];
  if (minMs >= maxMs) throw new ConfigurationError(source, 'max', max, `longer than min, which is ${minMs} ms`);
  if (!(Number.isInteger(connections) && connections >= 2 && connections <= mostConnections)) {
    check.refuse('connections', `a whole number from 2 to ${mostConnections}`, connections);
  }
  check.oneOf('asking', ['client', 'server'], asking);
  assertSignal(source, signal);
  if (!['undefined', 'function'].includes(typeof onProgress)) check.refuse('onProgress', 'a function', onProgress);
  return { target: { host, port }, range: { minMs, maxMs, connections }, asking, signal, onProgress };
}
