import { bottomOf, type Handle } from './handle.js';
import { type Subscriber, subscribersOf } from './subscribers.js';
import { messageOf, warnOnce } from './warn-once.js';
import { type Method, wrap } from './wrap.js';

/** The methods by which Node.js writes to a handle, of TCP and of TLS (src/stream_base.cc). */
const writes = ['writeBuffer', 'writev', 'writeUtf8String', 'writeAsciiString', 'writeLatin1String', 'writeUcs2String'];

/** A function for each wrapped prototype that removes the wrappers. */
const wrapped = new Map<object, () => void>();
let users = 0;

type Notify = (subscriber: Subscriber) => void;
type HandleAction = (handle: Handle) => void;

/** Hooks that adapt the options of a handle before and after calls of the program. */
export interface OptionHooks {
  /** Runs before `setKeepAlive`; `afterSet` runs after it. */
  readonly beforeSet: HandleAction;
  readonly afterSet: HandleAction;
  readonly beforeClose: HandleAction;
}

/** The notifications before and after each call of one method, and the hooks that adapt options: `prepare`, `conclude`. */
interface HandleHook {
  readonly before?: Notify;
  readonly after?: Notify;
  readonly prepare?: HandleAction;
  readonly conclude?: HandleAction;
}

const writing: HandleHook = { after: (subscriber) => subscriber.wrote() };

function handleHooks({ beforeSet, afterSet, beforeClose }: OptionHooks): [method: string, HandleHook][] {
  const closing: HandleHook = { before: (subscriber) => subscriber.closing(), prepare: beforeClose };
  return [
    ...writes.map((method): [string, HandleHook] => [method, writing]),
    ['shutdown', { before: (subscriber) => subscriber.ending(), ...writing }],
    ['close', closing],
    // Node.js calls `reset` instead of `close` for a socket that is reset.
    ['reset', closing],
    ['setKeepAlive', { after: (subscriber) => subscriber.optionsSet(), prepare: beforeSet, conclude: afterSet }],
  ];
}

function notifySubscribers(handle: Handle, notify: Notify | undefined): void {
  if (notify === undefined) return;
  try {
    for (const subscriber of subscribersOf(bottomOf(handle))) notify(subscriber);
  } catch (error) {
    warnOnce(messageOf(error));
  }
}

/** Runs a hook of a watch. An error becomes a process warning, and never reaches the program that makes the call. */
function runAction(handle: Handle, action: HandleAction | undefined): void {
  try {
    action?.(bottomOf(handle));
  } catch (error) {
    warnOnce(`keepalive options could not be restored: ${messageOf(error)}`);
  }
}

function hooked({ before, after, prepare, conclude }: HandleHook) {
  return (original: Method): Method =>
    function hookedMethod(this: Handle, ...args: unknown[]) {
      notifySubscribers(this, before);
      runAction(this, prepare);
      const status = Reflect.apply(original, this, args as never[]);
      runAction(this, conclude);
      notifySubscribers(this, after);
      return status;
    } as Method;
}

function wrapAll(prototype: object, options: OptionHooks): void {
  const isOwn = (method: string) => typeof Object.getOwnPropertyDescriptor(prototype, method)?.value === 'function';
  const restore = handleHooks(options)
    .filter(([method]) => isOwn(method))
    .map(([method, hook]) => wrap(prototype, method, hooked(hook)));
  wrapped.set(prototype, () => {
    for (const undo of restore) undo();
  });
}

/**
 * Wraps the methods of a handle's prototypes to notify subscribers of writes, of the end of this side, of keepalive calls
 * and of the close. Does not report writes of http2. Returns whether a close is reported: false in Bun, whose handles have
 * no own method `close`.
 */
export function hookHandle(handle: Handle, options: OptionHooks): boolean {
  let reportsClosing = false;
  for (let kind = Object.getPrototypeOf(handle); kind; kind = Object.getPrototypeOf(kind)) {
    if (!wrapped.has(kind)) wrapAll(kind, options);
    reportsClosing ||= kind !== Object.prototype && Object.hasOwn(kind, 'close');
  }
  return reportsClosing;
}

/** Retains the hooks. Returns a release function; the last release removes all wrappers. */
export function retainHooks(): () => void {
  users += 1;
  return () => {
    users -= 1;
    if (users > 0) return;
    for (const unwrap of wrapped.values()) unwrap();
    wrapped.clear();
  };
}
