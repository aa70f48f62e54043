import type net from 'node:net';
import { Socket } from '../../../node/classes.js';
import { type Handle, handleOf } from '../../../node/handle.js';
import { type EndReason, isMadeOfEnd, reasonTexts } from '../../../peer/end-reason.js';
import { describeValue } from '../../../policy/errors.js';
import type { KeepAliveTarget } from '../../../socket/target.js';
import { argumentTypeError, endpointOf } from '../../../socket/target.js';
import { descriptionOf, isOfDeadPeer, reasonOf } from './end-of-socket.js';
import { anySnapshotOf, forgetSnapshot } from './last-snapshot.js';

/** The explanation of a connection's end. */
export interface EndExplanation {
  /** `undefined` if the program ended the connection, if it is open, or if the reason is not known. */
  readonly reason: EndReason | undefined;
  /** Probes or retransmissions that were unanswered; `undefined` without a watch. */
  readonly unanswered: number | undefined;
  /** Since anything was received from the peer. */
  readonly silentMs: number | undefined;
  /** One sentence for people. */
  readonly text: string;
}

type End = EndReason | 'program';

/** How a watch saw a connection end. */
interface SeenEnd {
  readonly end: End | undefined;
  /** The handle and the error that the socket had then: a socket that connects again gets others. */
  readonly handle: WeakRef<Handle> | undefined;
  readonly errored: Error | null;
}

const seenEnds = new WeakMap<net.Socket, SeenEnd>();

/** Remembers how a connection ended according to a watch: for a reason, or by its own program. */
export function rememberEnd(socket: net.Socket, end: End | undefined): void {
  const handle = handleOf(socket);
  seenEnds.set(socket, { end, handle: handle && new WeakRef(handle), errored: socket.errored });
}

/** Forgets how an earlier connection of a socket ended, and what was seen of it. */
export function forgetEnd(socket: net.Socket): void {
  seenEnds.delete(socket);
  forgetSnapshot(socket);
}

function forgetEarlierConnection(socket: net.Socket): void {
  const seen = seenEnds.get(socket);
  if (seen === undefined) return;
  const handle = handleOf(socket);
  const isOtherHandle = handle !== undefined && handle !== seen.handle?.deref();
  const isOtherError = seen.errored !== null && socket.errored !== seen.errored;
  if (isOtherHandle || isOtherError) forgetEnd(socket);
}

const timedOut =
  'the peer left probes or data unanswered until the kernel gave up (ETIMEDOUT); watchPeers would tell which, and for how long';
const unanswered = 'nobody answered the attempt to connect (ETIMEDOUT)';
const byProgram = 'the program itself ended the connection';

/** Returns the explanation if there is no error: the reason, or why there is none. */
function storyWithoutError(socket: net.Socket): EndReason | { readonly text: string } {
  const seen = seenEnds.get(socket)?.end;
  if (seen === 'program') return { text: byProgram };
  if (seen !== undefined) return seen;
  if (socket.readableEnded) return 'closed';
  if (socket.destroyed) return { text: byProgram };
  if (socket.pending) return { text: 'the socket is not connected' };
  return { text: 'the connection is open, as far as the program has heard' };
}

/** An error may be wrapped by one library and again by another. */
const mostCauses = 8;

/** Returns the errors that may say why the connection ended: the error, its causes, and the socket's own error. */
function candidates(error: unknown, socket: net.Socket | undefined): unknown[] {
  const all = [];
  let next = error ?? undefined;
  for (let depth = 0; next !== undefined && depth < mostCauses; depth += 1) {
    all.push(next);
    next = descriptionOf(next).cause ?? undefined;
  }
  if (socket?.errored) all.push(socket.errored);
  return all;
}

function socketOf(target: KeepAliveTarget): net.Socket {
  const endpoint = endpointOf(target, 'getsockopt');
  if (endpoint instanceof Socket) return endpoint;
  throw argumentTypeError('the target must be a connection, got a server');
}

/**
 * Returns why a connection ended, from its error, its socket, and the watch's last snapshot. A listener of `error` passes
 * the error. A listener of `close` passes only the socket: `explainDeath(undefined, socket)`. Other code passes an error that
 * a watch has seen on a socket, or an error with such a `cause`.
 *
 * `reason` is `undefined` for ETIMEDOUT without a watch, for an error that is not the connection's, and for a connection that
 * is open or that the program itself has ended.
 *
 * @example
 * socket.on('close', () => console.log(explainDeath(undefined, socket).text));
 *
 * @throws {TypeError} if `socket` is neither a socket nor something that rides on one.
 * @throws {SystemCallError} EBADF if it has
 * lost its socket, as an http2 session does when it is closed.
 */
export function explainDeath(error: unknown, socket?: KeepAliveTarget): EndExplanation {
  const of = socket === undefined || socket === null ? undefined : socketOf(socket);
  if (of !== undefined) forgetEarlierConnection(of);
  const given = candidates(error, of);
  const found = given.map((each) => {
    const snapshot = anySnapshotOf(of) ?? anySnapshotOf(each);
    const seen = isOfDeadPeer(each) ? each : snapshot;
    return { each, seen, reason: reasonOf(each, snapshot) };
  });
  const known = found.filter(({ reason }) => reason !== undefined);
  // Node.js creates errors of its own after the peer has closed its side: the system's error says more.
  const best = known.find(({ each }) => !isMadeOfEnd(descriptionOf(each))) ?? known[0];
  if (best?.reason !== undefined) return deathOf(best.reason, best.seen);
  if (given.length > 0) return { ...deathOf(undefined, found[0]?.seen), text: textOf(given[0]) };
  if (of === undefined) return { ...deathOf(undefined), text: 'neither an error nor a socket was given' };
  const story = storyWithoutError(of);
  return typeof story === 'string' ? deathOf(story, anySnapshotOf(of)) : { ...deathOf(undefined), ...story };
}

function textOf(error: unknown): string {
  const { code, syscall } = descriptionOf(error);
  if (code === 'ETIMEDOUT') return syscall === 'connect' ? unanswered : timedOut;
  return `the connection ended with: ${error instanceof Error ? error.message : describeValue(error)}`;
}

function deathOf(
  reason: EndReason | undefined,
  seen?: Pick<EndExplanation, 'unanswered' | 'silentMs'>,
): EndExplanation {
  const text = reason === undefined ? '' : reasonTexts[reason];
  return { reason, unanswered: seen?.unanswered, silentMs: seen?.silentMs, text };
}
