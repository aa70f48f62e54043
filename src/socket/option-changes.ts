import { bottomOf, type Handle } from './target.js';

type Listener = (handle: Handle) => void;

const listeners = new Set<Listener>();

/** Is told of each connection's handle, the one that has the descriptor, when this package sets its options; gives what ends that. */
export function onOptionsSet(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Tells that options of a connection were set. */
export function announceOptionsSet(handle: Handle): void {
  if (listeners.size === 0) return;
  const bottom = bottomOf(handle);
  for (const listener of listeners) listener(bottom);
}
