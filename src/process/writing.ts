import type { Handle } from '../socket/target.js';
import { type Method, wrap } from './wrap.js';

type Listener = (handle: Handle) => void;

/** The methods by which Node.js writes to a handle, of TCP and of TLS (src/stream_base.cc). */
const methods = [
  'writeBuffer',
  'writev',
  'writeUtf8String',
  'writeAsciiString',
  'writeLatin1String',
  'writeUcs2String',
] as const;

const listeners = new Set<Listener>();

/** What unwraps each prototype whose methods are wrapped. */
const wrapped = new Map<object, () => void>();

function announcing(original: Method): Method {
  return function write(this: Handle, ...args: unknown[]) {
    const status = Reflect.apply(original, this, args as never[]);
    for (const listener of listeners) listener(this);
    return status;
  } as Method;
}

function wrapAll(prototype: object): void {
  const own = methods.filter(
    (method) => typeof Object.getOwnPropertyDescriptor(prototype, method)?.value === 'function',
  );
  const restore = own.map((method) => wrap(prototype, method, announcing));
  wrapped.set(prototype, () => {
    for (const undo of restore) undo();
  });
}

/** Has what a program writes to handles of this one's kind be told of to {@link onWriting}. */
export function announceWriting(handle: Handle): void {
  if (listeners.size === 0) return;
  for (let kind = Object.getPrototypeOf(handle); kind && !wrapped.has(kind); kind = Object.getPrototypeOf(kind)) {
    wrapAll(kind);
  }
}

/** Is told of each handle that a program has written to; gives what ends that. What http2 writes is not announced. */
export function onWriting(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    for (const unwrap of wrapped.values()) unwrap();
    wrapped.clear();
  };
}
