import type { Handle } from './handle.js';

/** Who follows a connection. */
export interface Subscriber {
  /** This package has set options of the connection. */
  optionsSet(): void;
  /** The program has written something, or ended its side. */
  wrote(): void;
  /** The program is about to end its side. */
  ending(): void;
  /** The descriptor is about to be closed, by whomever. */
  closing(): void;
}

/** By the handle that has the descriptor; most have one. */
const subscribers = new Map<Handle, Subscriber | readonly Subscriber[]>();

function asList(known: Subscriber | readonly Subscriber[] | undefined): readonly Subscriber[] {
  if (known === undefined) return [];
  return Array.isArray(known) ? known : [known as Subscriber];
}

/** Those that follow the connection of a handle. */
export function subscribersOf(handle: Handle): readonly Subscriber[] {
  return asList(subscribers.get(handle));
}

/** Adds a subscriber to a handle, until {@link unsubscribe}. */
export function subscribe(handle: Handle, subscriber: Subscriber): void {
  const known = subscribers.get(handle);
  subscribers.set(handle, known === undefined ? subscriber : [...asList(known), subscriber]);
}

export function unsubscribe(handle: Handle, subscriber: Subscriber): void {
  const [first, ...others] = subscribersOf(handle).filter((known) => known !== subscriber);
  if (first === undefined) subscribers.delete(handle);
  else subscribers.set(handle, others.length === 0 ? first : [first, ...others]);
}
