import { didYouMean } from './closest-name.js';
import { assertKnownOptions, ConfigurationError } from './configuration-error.js';
import { describeValue } from './errors.js';

/** Checks the options of a call. Throws a {@link ConfigurationError} that names the option, what was given and what is allowed. */
export class OptionsCheck {
  readonly #source: string;
  readonly #given: Readonly<Record<string, unknown>>;

  constructor(source: string, given: object, known: readonly string[]) {
    assertKnownOptions(source, given, known);
    this.#source = source;
    this.#given = given as Readonly<Record<string, unknown>>;
  }

  refuse(name: string, allowed: string, value = this.#given[name], hint = ''): never {
    throw new ConfigurationError(this.#source, name, value, allowed, undefined, `${describeValue(value)}${hint}`);
  }

  #areOfType(type: 'boolean' | 'string', allowed: string, names: readonly string[]): void {
    for (const name of names) {
      if (!['undefined', type].includes(typeof this.#given[name])) this.refuse(name, allowed);
    }
  }

  booleans(...names: readonly string[]): void {
    this.#areOfType('boolean', 'true or false', names);
  }

  texts(...names: readonly string[]): void {
    this.#areOfType('string', 'text', names);
  }

  /** Checks an option that has one of some names. */
  oneOf(name: string, names: readonly string[], value = this.#given[name]): void {
    if (value === undefined || names.includes(value as string)) return;
    const hint = typeof value === 'string' ? didYouMean(value, names) : undefined;
    this.refuse(name, `one of ${names.join(', ')}`, value, hint === undefined ? '' : `; ${hint}`);
  }

  /** Checks an option that is a list of some names. */
  eachOf(name: string, names: readonly string[]): void {
    const values = this.#given[name];
    if (values === undefined) return;
    if (!Array.isArray(values)) this.refuse(name, `an array of ${names.join(', ')}`);
    for (const value of values) this.oneOf(name, names, value);
  }
}
