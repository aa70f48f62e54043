import { bottomOf, type Handle } from './handle.js';
import { type Subscriber, subscribersOf } from './subscribers.js';
import { messageOf, warnOnce } from './warn-once.js';
import { type Method, wrap } from './wrap.js';

/** The methods by which Node.js writes to a handle, of TCP and of TLS (src/stream_base.cc). */
const writes = ['writeBuffer', 'writev', 'writeUtf8String', 'writeAsciiString', 'writeLatin1String', 'writeUcs2String'];

/** The functions that restore each wrapped prototype. */
const wrapped = new Map<object, () => void>();
let users = 0;

type Tell = (follower: Subscriber) => void;
type HandleAction = (handle: Handle) => void;

/** Hooks that adapt the options of a handle around calls of the program. */
export interface OptionHooks {
  /** Around `setKeepAlive`. */
  readonly beforeSet: HandleAction;
  readonly afterSet: HandleAction;
  readonly beforeClose: HandleAction;
}

/** What followers are told before a call and after it. */
interface HandleHook {
  readonly before?: Tell;
  readonly after?: Tell;
  /** The hooks that adapt the handle's options, before the call and after it. */
  readonly prepare?: HandleAction;
  readonly conclude?: HandleAction;
}

const writing: HandleHook = { after: (follower) => follower.wrote() };

function handleHooks({ beforeSet, afterSet, beforeClose }: OptionHooks): [method: string, HandleHook][] {
  const closing: HandleHook = { before: (follower) => follower.closing(), prepare: beforeClose };
  return [
    ...writes.map((method): [string, HandleHook] => [method, writing]),
    ['shutdown', { before: (follower) => follower.ending(), ...writing }],
    ['close', closing],
    // Instead of `close`, for a socket that is reset.
    ['reset', closing],
    ['setKeepAlive', { after: (follower) => follower.optionsSet(), prepare: beforeSet, conclude: afterSet }],
  ];
}

function tellFollowers(handle: Handle, tell: Tell | undefined): void {
  if (tell === undefined) return;
  try {
    for (const follower of subscribersOf(bottomOf(handle))) tell(follower);
  } catch (error) {
    warnOnce(messageOf(error));
  }
}

/** Runs a hook of a watch. An error becomes a process warning, and never reaches the program that makes the call. */
function act(handle: Handle, action: HandleAction | undefined): void {
  try {
    action?.(bottomOf(handle));
  } catch (error) {
    warnOnce(`keepalive options could not be restored: ${messageOf(error)}`);
  }
}

function hooked({ before, after, prepare, conclude }: HandleHook) {
  return (original: Method): Method =>
    function hookedMethod(this: Handle, ...args: unknown[]) {
      tellFollowers(this, before);
      act(this, prepare);
      const status = Reflect.apply(original, this, args as never[]);
      act(this, conclude);
      tellFollowers(this, after);
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
 * Wraps methods of handles of this kind to tell their followers that data is written, this side is ended, keepalive is set,
 * or the handle is closed. Writes of http2 are not told.
 *
 * Returns whether a close is told: not in Bun, whose handles have no such method of their own.
 */
export function hookHandle(handle: Handle, options: OptionHooks): boolean {
  let tellsClosing = false;
  for (let kind = Object.getPrototypeOf(handle); kind; kind = Object.getPrototypeOf(kind)) {
    if (!wrapped.has(kind)) wrapAll(kind, options);
    tellsClosing ||= kind !== Object.prototype && Object.hasOwn(kind, 'close');
  }
  return tellsClosing;
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
