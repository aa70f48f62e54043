import { nearestNames } from '../closest-name.js';
import { ConfigurationError } from '../configuration-error.js';
import { readDuration } from '../duration.js';
import { describeValue } from '../errors.js';
import { millisecondsMeant } from '../unit-slip.js';
import type { Middlebox } from './middlebox.js';
import { applianceMiddleboxes } from './middleboxes/appliances.js';
import { awsMiddleboxes } from './middleboxes/aws.js';
import { cloudMiddleboxes } from './middleboxes/clouds.js';
import { kernelMiddleboxes } from './middleboxes/kernels.js';
import { proxyMiddleboxes } from './middleboxes/proxies.js';
import { unknownMiddleboxes } from './middleboxes/unknown-devices.js';

/** Makes an entry that no caller can change for the others. */
function frozen(middlebox: Middlebox): Middlebox {
  Object.freeze(middlebox.settable);
  return Object.freeze(middlebox);
}

/**
 * Lists the middleboxes whose idle timeouts are known, by provider. The list is frozen.
 *
 * @example
 * for (const { name, timeoutMs, sure } of middleboxes) console.log(name, timeoutMs, sure);
 */
export const middleboxes: readonly Middlebox[] = Object.freeze(
  [
    ...awsMiddleboxes,
    ...cloudMiddleboxes,
    ...kernelMiddleboxes,
    ...proxyMiddleboxes,
    ...applianceMiddleboxes,
    ...unknownMiddleboxes,
  ].map(frozen),
);

const allowed = "a middlebox such as 'aws-nlb' or its idle timeout such as '350s'";

/** A duration stands for a middlebox at layer 4: a proxy that terminates TCP has no timeout that a probe satisfies. */
function middleboxWithTimeout(name: string, timeoutMs: number): Middlebox {
  return {
    name,
    title: 'a middlebox',
    timeoutMs,
    settable: null,
    onExpiry: 'unknown',
    keepAliveCounts: true,
    sure: 'given',
    source: 'the timeout that was given',
  };
}

/** At most this many names are suggested. */
const mostSuggested = 6;

/** Returns a question with the names that may have been meant; if none is near, where all names are listed. */
function hintFor(text: string): string {
  const byName = nearestNames(
    text,
    middleboxes.map(({ name }) => name),
  );
  const byTitle = middleboxes.filter(({ title }) => title.toLowerCase().includes(text)).map(({ name }) => name);
  const near = [...new Set([...byName, ...byTitle])].slice(0, mostSuggested);
  if (near.length === 0) return 'docs/middleboxes.md lists the names';
  return `did you mean ${near.map((name) => `"${name}"`).join(', ')}?`;
}

/** Reads a middlebox as {@link middleboxOf} does. The error names the option of a call. */
export function readMiddlebox(given: unknown, source: string, field: string): Middlebox {
  const refuse = (hint?: string): never => {
    const shown = hint === undefined ? describeValue(given) : `${describeValue(given)}; ${hint}`;
    throw new ConfigurationError(source, field, given, allowed, undefined, shown);
  };
  if (typeof given === 'number') {
    if (!(given > 0 && Number.isFinite(given))) refuse('a number is milliseconds above 0');
    return middleboxWithTimeout(`${given / 1000}s`, given);
  }
  if (typeof given !== 'string') return refuse();
  const text = given.trim().toLowerCase();
  const found = middleboxes.find(({ name }) => name === text);
  if (found !== undefined) return found;
  const ms = readDuration(text, 's');
  if (ms === undefined) return refuse(text === '' ? undefined : hintFor(text));
  const slip = millisecondsMeant(text);
  if (slip !== undefined) refuse(slip);
  if (ms <= 0) refuse('the timeout is above 0');
  return middleboxWithTimeout(/^[\d.]+$/.test(text) ? `${text}s` : text, ms);
}

/**
 * Returns the middlebox of a name, or one that has a duration as its idle timeout.
 *
 * In text, a number without a unit is in seconds; a number is in milliseconds. A duration stands for a middlebox that counts
 * keepalive probes as traffic.
 *
 * @example
 * middleboxOf('aws-nlb').timeoutMs; // 350000
 * middleboxOf('5m').timeoutMs; // 300000
 * @throws {ConfigurationError} if there is no such name, and it is no duration above 0. The error has the nearest names.
 */
export function middleboxOf(middlebox: string | number): Middlebox {
  return readMiddlebox(middlebox, 'middleboxOf', 'middlebox');
}

/** Returns the idle timeout before which probes must go out; `undefined` if probes do not count, or if the timeout is not known. */
export function probedTimeoutMs({ timeoutMs, keepAliveCounts }: Middlebox): number | undefined {
  return keepAliveCounts === false || timeoutMs === null ? undefined : timeoutMs;
}
