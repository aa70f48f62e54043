import type net from 'node:net';
import { type EndReason, isMadeOfEnd, reasonOfCall } from '../../../peer/end-reason.js';
import type { TcpState } from '../../../wire/tcp-info/state.js';
import type { DeadPeerError } from './dead-peer-error.js';
import type { LastSnapshot } from './last-snapshot.js';

/** What errors of Node.js say of a failed call; whatever else a program may throw is read with care. */
export function descriptionOf(error: unknown): {
  readonly code: unknown;
  readonly syscall: unknown;
  readonly cause?: unknown;
} {
  try {
    const { code, syscall, cause } = error as NodeJS.ErrnoException;
    return { code, syscall, cause };
  } catch {
    return { code: undefined, syscall: undefined };
  }
}

/** The key under which a `DeadPeerError` keeps its socket. A pipeline destroys its other sockets with the same error. */
const ofSocket = Symbol.for('tcp-keepalive/dead-peer/1');

/** Keeps which socket's peer is dead. */
export function rememberDead(error: DeadPeerError, socket: net.Socket): void {
  Object.defineProperty(error, ofSocket, { value: new WeakRef(socket) });
}

function socketGivenUp(error: unknown): WeakRef<net.Socket> | undefined {
  const { [ofSocket]: socket } = error as { readonly [ofSocket]?: WeakRef<net.Socket> };
  return socket;
}

/** Returns true if a watch gave a peer up with this error, also a watch of another copy of this package. */
export function isOfDeadPeer(error: unknown): error is DeadPeerError {
  try {
    return socketGivenUp(error) !== undefined;
  } catch {
    return false;
  }
}

/** Returns the reason that an error of a connection stands for; `undefined` if the error does not tell. */
export function reasonOf(error: unknown, snapshot: LastSnapshot | undefined): EndReason | undefined {
  if (isOfDeadPeer(error)) return error.reason;
  return reasonOfCall(descriptionOf(error), snapshot);
}

const closedByPeer: ReadonlySet<TcpState> = new Set(['CLOSE_WAIT', 'LAST_ACK', 'CLOSE']);

/**
 * Returns whether an error ended the connection. Returns false if the program destroyed an open socket with the error.
 *
 * @param lastState The state when the descriptor was closed; `undefined` if it was not seen.
 */
export function isOfConnection(error: NodeJS.ErrnoException, socket: net.Socket, lastState?: TcpState): boolean {
  if (isOfDeadPeer(error)) return socketGivenUp(error)?.deref() === socket;
  if (isMadeOfEnd(error)) return lastState !== undefined && closedByPeer.has(lastState);
  return error.syscall !== undefined && (lastState === undefined || lastState === 'CLOSE');
}
