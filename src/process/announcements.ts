import { subscribersOf } from '../socket/subscribers.js';
import { bottomOf, type Handle } from '../socket/target.js';
import { type Method, wrap } from './wrap.js';

/** The methods by which Node.js writes to a handle, of TCP and of TLS (src/stream_base.cc). */
const writes = ['writeBuffer', 'writev', 'writeUtf8String', 'writeAsciiString', 'writeLatin1String', 'writeUcs2String'];

/** What unwraps each prototype whose methods are wrapped. */
const wrapped = new Map<object, () => void>();
let users = 0;

const followersOf = (handle: Handle) => subscribersOf(bottomOf(handle));

type Wrapper = (original: Method) => Method;

const announceWrite: Wrapper = (original) =>
  function write(this: Handle, ...args: unknown[]) {
    const status = Reflect.apply(original, this, args as never[]);
    for (const follower of followersOf(this)) follower.wrote();
    return status;
  } as Method;

const announceShutdown: Wrapper = (original) =>
  function shutdown(this: Handle, ...args: unknown[]) {
    for (const follower of followersOf(this)) follower.ending();
    const status = Reflect.apply(original, this, args as never[]);
    for (const follower of followersOf(this)) follower.wrote();
    return status;
  } as Method;

const announceClose: Wrapper = (original) =>
  function close(this: Handle, ...args: unknown[]) {
    for (const follower of followersOf(this)) follower.closing();
    return Reflect.apply(original, this, args as never[]);
  } as Method;

const announceOptions: Wrapper = (original) =>
  function setKeepAlive(this: Handle, ...args: unknown[]) {
    const status = Reflect.apply(original, this, args as never[]);
    for (const follower of followersOf(this)) follower.optionsSet();
    return status;
  } as Method;

const wrappers: ReadonlyMap<string, Wrapper> = new Map([
  ...writes.map((method) => [method, announceWrite] as const),
  ['shutdown', announceShutdown],
  ['close', announceClose],
  ['setKeepAlive', announceOptions],
]);

function wrapAll(prototype: object): void {
  const isOwn = (method: string) => typeof Object.getOwnPropertyDescriptor(prototype, method)?.value === 'function';
  const restore = [...wrappers]
    .filter(([method]) => isOwn(method))
    .map(([method, wrapper]) => wrap(prototype, method, wrapper));
  wrapped.set(prototype, () => {
    for (const undo of restore) undo();
  });
}

/**
 * Has what is done with handles of this one's kind be told to those who follow them: that something is written, their
 * side ended, keepalive set, and the handle closed. What http2 writes is not.
 */
export function announceUse(handle: Handle): void {
  for (let kind = Object.getPrototypeOf(handle); kind && !wrapped.has(kind); kind = Object.getPrototypeOf(kind)) {
    wrapAll(kind);
  }
}

/** Keeps that announced; gives what ends that, and with the last one leaves the handles of Node.js as they were. */
export function useAnnouncements(): () => void {
  users += 1;
  return () => {
    users -= 1;
    if (users > 0) return;
    for (const unwrap of wrapped.values()) unwrap();
    wrapped.clear();
  };
}
