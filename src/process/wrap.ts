/** A method as it is wrapped, whatever it takes. */
export type Method = (this: never, ...args: never[]) => unknown;

/** Puts a wrapper in a method's place, with its name and length; gives what puts the method back. */
export function wrap<Key extends string>(target: object, key: Key, make: (original: Method) => Method): () => void {
  const before = Object.getOwnPropertyDescriptor(target, key);
  const original = (target as Record<string, Method>)[key] as Method;
  const wrapper = make(original);
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  const { writable = true, enumerable = false, configurable = true } = before ?? {};
  Object.defineProperty(target, key, { value: wrapper, writable, enumerable, configurable });
  return () => {
    // Where someone has wrapped the wrapper, it stays, and passes every call on.
    if ((target as Record<string, unknown>)[key] !== wrapper) return;
    if (before === undefined) delete (target as Record<string, unknown>)[key];
    else Object.defineProperty(target, key, before);
  };
}
