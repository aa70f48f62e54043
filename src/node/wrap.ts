/** A method of any signature. */
export type Method = (this: never, ...args: never[]) => unknown;

/** Replaces a method by a wrapper with the same name and length. Returns a function that restores the method. */
export function wrap<Key extends PropertyKey>(
  target: object,
  key: Key,
  make: (original: Method) => Method,
): () => void {
  const methods = target as Record<Key, Method>;
  const before = Object.getOwnPropertyDescriptor(target, key);
  const original = methods[key];
  const wrapper = make(original);
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  const { writable = true, enumerable = false, configurable = true } = before ?? {};
  Object.defineProperty(target, key, { value: wrapper, writable, enumerable, configurable });
  return () => {
    // If somebody has wrapped the wrapper, the wrapper stays and passes every call on.
    if (methods[key] !== wrapper) return;
    if (before === undefined) Reflect.deleteProperty(target, key);
    else Object.defineProperty(target, key, before);
  };
}
