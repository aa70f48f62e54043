import { SystemCallError, UnsupportedError } from '../errors.js';

/** The classes of errors that a call in another thread may throw, by name. */
export type ErrorClasses = Readonly<Record<string, { readonly prototype: Error }>>;

const ownClasses: ErrorClasses = { RangeError, SystemCallError, TypeError, UnsupportedError };

/** The form of an error between threads: structured clone keeps neither the class nor the fields of an error. */
class PortableError {
  readonly portableError = true;
  readonly name: string;
  readonly message: string;
  readonly cause: unknown;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(error: Error) {
    this.name = error.name;
    this.message = error.message;
    this.cause = toPortable(error.cause);
    this.fields = toPortable({ ...error }) as Record<string, unknown>;
  }
}

function mapValues(value: object, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, change(field)]));
}

/** Returns a copy of a value that structured clone transfers without loss. */
export function toPortable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return { ...new PortableError(value) };
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' ? toJSON.call(value) : mapValues(value, toPortable);
}

function restoreError({ name, message, cause, fields }: PortableError, classes: ErrorClasses): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: fromPortable(cause, classes) });
  const known = ownClasses[name] ?? classes[name];
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  return Object.assign(error, fields);
}

/** Returns the original of a portable value, with errors of the given classes. */
export function fromPortable(value: unknown, classes: ErrorClasses = {}): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ((value as Partial<PortableError>).portableError === true) return restoreError(value as PortableError, classes);
  return mapValues(value, (field) => fromPortable(field, classes));
}
