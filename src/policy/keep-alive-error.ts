const brand = Symbol.for('tcp-keepalive/error/1');

/**
 * The base of the errors that this package throws. `code` is a stable name: `ERR_KEEPALIVE_...`, or the system's own.
 *
 * `instanceof` also recognises errors of another copy of the package, by the name of the class.
 */
export abstract class KeepAliveError extends Error {
  abstract readonly code: string;

  /** The names of the error's classes, this one included. */
  get [brand](): readonly string[] {
    const names: string[] = [];
    for (let type: unknown = this.constructor; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
      names.push(type.name);
      if (type === KeepAliveError) break;
    }
    return names;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    try {
      // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this, and `this` is the class that is asked about.
      return (value as { readonly [brand]?: readonly string[] })[brand]?.includes(this.name) === true;
    } catch {
      return false;
    }
  }
}
