import type net from 'node:net';
import type { KeepAliveState } from '../../socket/index.js';
import { addressOf } from './description.js';
import type { PeerAddress } from './events.js';

/** Whether the program takes what arrives: Node.js does not hear of the end of a connection otherwise. */
export function isRead(socket: net.Socket): boolean {
  return socket.readableFlowing !== false && !socket.isPaused();
}

/** What the watch knows of one connection: few numbers, because there may be very many connections. */
export class Watched {
  /** Does not keep the socket from being collected. */
  readonly reference: WeakRef<net.Socket>;
  /** Kept because Node.js forgets it when the connection ends. */
  readonly local: PeerAddress | undefined;
  /** Shared by all connections with the same options. */
  options: KeepAliveState;
  /** When it is looked at next; see {@link Agenda}. */
  slot = -1;
  mood: 'fine' | 'suspect' | 'stalled' | 'over' = 'fine';
  /** Since when something of ours has been seen unanswered (`performance.now()`), or 0. */
  unansweredSince = 0;
  /** Since when the peer's window has been seen closed, or 0. */
  closedSince = 0;
  #restsUntil = 0;
  #bytesWritten = 0;

  constructor(socket: net.Socket, options: KeepAliveState) {
    this.reference = new WeakRef(socket);
    this.local = addressOf(socket.localAddress, socket.localPort);
    this.options = options;
  }

  /** Notes that nothing can change for so long, unless the program writes. */
  rest(socket: net.Socket, forMs: number): void {
    this.#bytesWritten = socket.bytesWritten;
    this.#restsUntil = performance.now() + forMs;
  }

  /** For how long a look still is not worth its system call. */
  restMs(socket: net.Socket): number {
    if (!isRead(socket) || socket.bytesWritten !== this.#bytesWritten) return 0;
    return this.#restsUntil - performance.now();
  }
}

const known = new Map<string, KeepAliveState>();

/** The same object for the same options. */
export function shared(options: KeepAliveState): KeepAliveState {
  const { enabled, idle, interval, count, userTimeout } = options;
  const key = `${enabled} ${idle} ${interval} ${count} ${userTimeout}`;
  const before = known.get(key);
  if (before === undefined) known.set(key, options);
  return before ?? options;
}
