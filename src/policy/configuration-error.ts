import { describeValue } from './errors.js';

/**
 * Thrown when an option of a call is wrong, or the configuration of a process.
 *
 * `source` is where it stands (a function, a file or an environment variable), `field` the part that is wrong, `given`
 * what it has, `allowed` what is accepted. Nothing has been changed when it is thrown.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'ERR_KEEPALIVE_CONFIGURATION';
  readonly source: string;
  readonly field: string;
  readonly given: unknown;
  readonly allowed: string;

  constructor(
    source: string,
    field: string,
    given: unknown,
    allowed: string,
    cause?: unknown,
    shown = describeValue(given),
  ) {
    const place = field === '' ? source : `${source}: ${field}`;
    super(`${place} must be ${allowed}, got ${shown}`, cause === undefined ? undefined : { cause });
    this.source = source;
    this.field = field;
    this.given = given;
    this.allowed = allowed;
  }
}

/**
 * Refuses an object that has a field of another name.
 *
 * @throws {ConfigurationError} naming it, and the fields that there are.
 */
export function assertKnownFields(source: string, given: object, fields: readonly string[]): void {
  for (const [field, value] of Object.entries(given)) {
    if (fields.includes(field)) continue;
    throw new ConfigurationError(source, field, value, `left out; known are ${fields.join(', ')}`);
  }
}
