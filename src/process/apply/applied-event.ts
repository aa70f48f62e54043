import type net from 'node:net';
import type { SocketKeepAlive } from '../../socket/state.js';
import type { ConnectionEnds } from '../connection-name.js';
import type { ConnectionRole } from './rules.js';

/** What was done to a connection or a listener. */
export interface AppliedEvent {
  readonly role: ConnectionRole;
  /** The socket or server; `undefined` while Node.js has not made one for an accepted connection yet. */
  readonly target: net.Socket | net.Server | undefined;
  readonly applied: SocketKeepAlive;
  /** True if native code opened the socket; there is no `target` then. */
  readonly native?: true;
}

/** Receives an event, and for debug lines a function that returns the ends of the connection or listener. */
export type Told = (event: AppliedEvent, ends: () => ConnectionEnds) => void;
