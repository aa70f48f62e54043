import { didYouMean } from './closest-name.js';
import { describeValue } from './errors.js';
import { KeepAliveError } from './keep-alive-error.js';

/**
 * Thrown when an option of a call is wrong, or the configuration of a process.
 *
 * `source` is where it stands (a function, a file or an environment variable), `field` the part that is wrong, `given`
 * what it has, `allowed` what is accepted. Nothing has been changed when it is thrown.
 */
export class ConfigurationError extends KeepAliveError {
  override readonly name = 'ConfigurationError';
  readonly code = 'ERR_KEEPALIVE_CONFIGURATION';
  readonly source: string;
  readonly field: string;
  readonly given: unknown;
  readonly allowed: string;

  /** @internal */
  constructor(
    source: string,
    field: string,
    given: unknown,
    allowed: string,
    cause?: unknown,
    shown = describeValue(given),
    message = `${field === '' ? source : `${source}: ${field}`} must be ${allowed}, got ${shown}`,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.source = source;
    this.field = field;
    this.given = given;
    this.allowed = allowed;
  }
}

/**
 * Checks that names are known. The error offers the closest known name.
 *
 * @param field The part of the source that has the names. Default: none, the error's field is the unknown name.
 * @throws {ConfigurationError} for the first name that is not known.
 */
export function assertKnownNames(
  source: string,
  kind: 'option' | 'filter' | 'field' | 'variable',
  names: readonly string[],
  known: readonly string[],
  field = '',
): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known) ?? `known are ${known.join(', ')}`;
  const place = field === '' ? source : `${source}: ${field}`;
  const message = `${place}: unknown ${kind} ${describeValue(unknown)}; ${hint}`;
  const allowed = `one of ${known.join(', ')}`;
  throw new ConfigurationError(source, field || unknown, undefined, allowed, undefined, undefined, message);
}

/**
 * Checks that options are an object with known names only.
 *
 * @throws {ConfigurationError} if they are not.
 */
export function assertKnownOptions(source: string, given: unknown, known: readonly string[]): asserts given is object {
  if (typeof given !== 'object' || given === null) {
    throw new ConfigurationError(source, '', given, `given an object of ${known.join(', ')}`);
  }
  assertKnownNames(source, 'option', Object.keys(given), known);
}
