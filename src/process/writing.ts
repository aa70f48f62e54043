import { subscribersOf } from '../socket/subscribers.js';
import { bottomOf, type Handle } from '../socket/target.js';
import { type Method, wrap } from './wrap.js';

/** The methods by which Node.js writes to a handle, of TCP and of TLS, and ends its side (src/stream_base.cc). */
const methods = [
  'writeBuffer',
  'writev',
  'writeUtf8String',
  'writeAsciiString',
  'writeLatin1String',
  'writeUcs2String',
  'shutdown',
] as const;

/** What unwraps each prototype whose methods are wrapped. */
const wrapped = new Map<object, () => void>();
let users = 0;

function announcing(original: Method): Method {
  return function write(this: Handle, ...args: unknown[]) {
    const status = Reflect.apply(original, this, args as never[]);
    for (const subscriber of subscribersOf(bottomOf(this))) subscriber.wrote();
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

/** Has what is written to handles of this one's kind be told to those who follow them. What http2 writes is not. */
export function announceWriting(handle: Handle): void {
  for (let kind = Object.getPrototypeOf(handle); kind && !wrapped.has(kind); kind = Object.getPrototypeOf(kind)) {
    wrapAll(kind);
  }
}

/** Keeps writing announced; gives what ends that, and with the last one leaves the handles of Node.js as they were. */
export function useAnnouncements(): () => void {
  users += 1;
  return () => {
    users -= 1;
    if (users > 0) return;
    for (const unwrap of wrapped.values()) unwrap();
    wrapped.clear();
  };
}
