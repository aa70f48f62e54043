import { type Subscriber, subscribersOf } from '../socket/subscribers.js';
import { bottomOf, type Handle } from '../socket/target.js';
import { beginProgramCall, endProgramCall, restoreOptions } from '../socket/watch-policy.js';
import { type Method, wrap } from './wrap.js';

/** The methods by which Node.js writes to a handle, of TCP and of TLS (src/stream_base.cc). */
const writes = ['writeBuffer', 'writev', 'writeUtf8String', 'writeAsciiString', 'writeLatin1String', 'writeUcs2String'];

/** What unwraps each prototype whose methods are wrapped. */
const wrapped = new Map<object, () => void>();
let users = 0;

type Tell = (follower: Subscriber) => void;
type HandleAction = (handle: Handle) => void;

/** What followers are told before a call and after it. */
interface Announcement {
  readonly before?: Tell;
  readonly after?: Tell;
  /** What is done with the options that a watch has in force on the handle, before the call and after it. */
  readonly prepare?: HandleAction;
  readonly conclude?: HandleAction;
}

const writing: Announcement = { after: (follower) => follower.wrote() };

const announcements: ReadonlyMap<string, Announcement> = new Map([
  ...writes.map((method) => [method, writing] as const),
  ['shutdown', { before: (follower) => follower.ending(), ...writing }],
  ['close', { before: (follower) => follower.closing(), prepare: restoreOptions }],
  ['setKeepAlive', { after: (follower) => follower.optionsSet(), prepare: beginProgramCall, conclude: endProgramCall }],
]);

function tellFollowers(handle: Handle, tell: Tell | undefined): void {
  if (tell !== undefined) for (const follower of subscribersOf(bottomOf(handle))) tell(follower);
}

/** The options are the watch's affair: what the kernel refuses must not reach the program that makes the call. */
function act(handle: Handle, action: HandleAction | undefined): void {
  try {
    action?.(bottomOf(handle));
  } catch (error) {
    process.emitWarning(`keepalive options could not be restored: ${(error as Error).message}`, 'KeepAliveWarning');
  }
}

function announcing({ before, after, prepare, conclude }: Announcement) {
  return (original: Method): Method =>
    function announced(this: Handle, ...args: unknown[]) {
      tellFollowers(this, before);
      act(this, prepare);
      const status = Reflect.apply(original, this, args as never[]);
      act(this, conclude);
      tellFollowers(this, after);
      return status;
    } as Method;
}

function wrapAll(prototype: object): void {
  const isOwn = (method: string) => typeof Object.getOwnPropertyDescriptor(prototype, method)?.value === 'function';
  const restore = [...announcements]
    .filter(([method]) => isOwn(method))
    .map(([method, announcement]) => wrap(prototype, method, announcing(announcement)));
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
