import { unreadBytes } from '../../../native/socket/queued-bytes.js';
import { quietly } from '../../../node/guarded.js';
import { setTimer } from '../../../node/real-time.js';
import { bottomHandleOf, type WatchedConnection } from '../watched-connection.js';
import type { DeadPeerError } from './dead-peer-error.js';

/** The longest time that a timer of Node.js takes. */
const longestMs = 2 ** 31 - 1;

/**
 * Returns whether a program that reads slowly can still read data that arrived before the kernel ended the connection. If this
 * side has not sent its FIN, an error ended the connection, and not the peer.
 */
export function canStillRead({ socket, fd }: WatchedConnection): boolean {
  return fd !== undefined && !socket.writableFinished && socket.readableLength + unreadBytes(fd) > 0;
}

/** Destroys a socket after some time, unless it has been closed, or is used for another connection. Keeps no socket in memory. */
export function destroyLater(
  watched: WatchedConnection,
  error: DeadPeerError,
  ms: number,
  isWanted: () => boolean,
): void {
  const [ofSocket, ofHandle] = [new WeakRef(watched.socket), new WeakRef(watched.handle)];
  setTimer(
    () => {
      const [socket, handle] = [ofSocket.deref(), ofHandle.deref()];
      if (socket === undefined || handle === undefined || !isWanted()) return;
      quietly(() => void (bottomHandleOf(socket) === handle && socket.destroy(error)));
    },
    Math.min(ms, longestMs),
  );
}
