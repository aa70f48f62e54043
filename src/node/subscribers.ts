import type { Handle } from './handle.js';

/** A follower of a connection. */
export interface Subscriber {
  /** Runs after keepalive options of the connection were set. */
  optionsSet(): void;
  /** Runs after the program has written data, or ended its side. */
  wrote(): void;
  /** Runs before the program ends its side. */
  ending(): void;
  /** Runs before the descriptor is closed, whoever closes it. */
  closing(): void;
}

/** The subscribers of each handle that has a descriptor. Most handles have one subscriber. */
const subscribers = new Map<Handle, Subscriber | readonly Subscriber[]>();

function asList(known: Subscriber | readonly Subscriber[] | undefined): readonly Subscriber[] {
  if (known === undefined) return [];
  return Array.isArray(known) ? known : [known as Subscriber];
}

/** Returns the subscribers of a handle's connection. */
export function subscribersOf(handle: Handle): readonly Subscriber[] {
  return asList(subscribers.get(handle));
}

/** Adds a subscriber to a handle until {@link unsubscribe} removes the subscriber. */
export function subscribe(handle: Handle, subscriber: Subscriber): void {
  const known = subscribers.get(handle);
  subscribers.set(handle, known === undefined ? subscriber : [...asList(known), subscriber]);
}

export function unsubscribe(handle: Handle, subscriber: Subscriber): void {
  const [first, ...others] = subscribersOf(handle).filter((known) => known !== subscriber);
  if (first === undefined) subscribers.delete(handle);
  else subscribers.set(handle, others.length === 0 ? first : [first, ...others]);
}
