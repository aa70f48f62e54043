import { types } from 'node:util';

/** A chain of prototypes is short, unless somebody has made it long on purpose. */
const mostPrototypes = 20;

/** The names of an object's properties and classes, read without running code of the object: no getter, no proxy. */
export class ObjectShape {
  readonly #chain: object[] = [];

  constructor(target: unknown) {
    let object = target;
    while ((typeof object === 'object' && object !== null) || typeof object === 'function') {
      if (types.isProxy(object) || this.#chain.length === mostPrototypes) return;
      this.#chain.push(object);
      object = Object.getPrototypeOf(object);
    }
  }

  #descriptor(object: object, name: string): PropertyDescriptor | undefined {
    try {
      return Object.getOwnPropertyDescriptor(object, name);
    } catch {
      // A binding of a module that is not initialized yet.
      return undefined;
    }
  }

  /** Returns whether the object has a property, also a getter or one that a class has. */
  has(name: string): boolean {
    return this.#chain.some((object) => this.#descriptor(object, name) !== undefined);
  }

  /** The names of the object's classes, its own first, without `Object` of any realm. */
  get classes(): string[] {
    return this.#chain.flatMap((object) => {
      const type: unknown = this.#descriptor(object, 'constructor')?.value;
      if (typeof type !== 'function' || types.isProxy(type)) return [];
      const name: unknown = this.#descriptor(type, 'name')?.value;
      return typeof name === 'string' && /^(?!Object$)[\w$]{1,60}$/.test(name) ? [name] : [];
    });
  }
}
