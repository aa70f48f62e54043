import type net from 'node:net';
import { Server } from './classes.js';
import { type Handle, handleOf } from './handle.js';
import { type Method, wrap } from './wrap.js';

/** A server with the method by which it listens. Node.js keeps the method's name for programs that wrap it (lib/net.js). */
interface ListeningServer {
  _listen2?: Method;
}

/** The handle of a listener, which calls `onconnection` for each connection (src/connection_wrap.cc). */
interface ListenerHandle extends Handle {
  onconnection?: (status: number, client: Handle | undefined) => void;
}

/** Returns whether Node.js sets keepalive on each accepted connection: the server was created with `keepAlive`. */
export function setsKeepAliveOnAccept(server: net.Server): boolean {
  return Boolean((server as unknown as { keepAlive?: boolean }).keepAlive);
}

/** Returns whether a handle belongs to a listener. */
export function isListener(handle: Handle | undefined): boolean {
  return (handle as ListenerHandle | undefined)?.onconnection !== undefined;
}

/**
 * Calls `listening` inside each call that makes a server listen. `emitError` emits an error as the server's `error` event.
 */
export function onListening(server: net.Server, listening: (emitError: (error: unknown) => void) => void): void {
  if ((server as ListeningServer)._listen2 === undefined) {
    server.prependListener('listening', () => listening((error) => server.emit('error', error)));
    return;
  }
  wrap(server, '_listen2', (original) => (...args) => {
    const result = Reflect.apply(original, server as never, args);
    if (server.listening) listening((error) => process.nextTick(() => server.emit('error', error)));
    return result;
  });
}

/** Receives an accepted handle. `proceed` makes Node.js create the connection's socket. */
export type Accepted<Client extends Handle> = (client: Client, proceed: () => void) => void;

/** Calls `accepted` for each connection of a listener's handle (see {@link isListener}). */
export function onConnection<Listener extends Handle>(handle: Listener, accepted: Accepted<Listener>): void {
  wrap(handle, 'onconnection', (original) => (status: number, client?: Listener) => {
    const proceed = () => Reflect.apply(original, handle as never, [status, client] as never);
    if (status === 0 && client !== undefined) accepted(client, proceed);
    else proceed();
  });
}

/** Calls `set` once, after the next call of the handle's `setKeepAlive`, which is Node's own. Returns a cancel function. */
export function afterNextKeepAlive(client: Handle, set: () => void): () => void {
  if (client.setKeepAlive === undefined) return () => {};
  const restore = wrap(client, 'setKeepAlive', (original) => (...args) => {
    const status = Reflect.apply(original, client as never, args);
    restore();
    set();
    return status;
  });
  return restore;
}

/** Returns the object that reports connections: the handle, or the server in runtimes without Node's handles. */
export function connectionSource(server: net.Server): Handle | net.Server {
  const handle = handleOf(server);
  return handle !== undefined && isListener(handle) ? handle : server;
}

/** Returns the servers that keep this thread alive. Other servers are found when they accept a connection. */
export function listeningServers(): net.Server[] {
  const { _getActiveHandles: activeHandles } = process as { _getActiveHandles?: () => unknown[] };
  const handles = activeHandles === undefined ? [] : Reflect.apply(activeHandles, process, []);
  return handles.filter((handle) => handle instanceof Server);
}

/** Returns the server that accepted a socket. Returns undefined if there is none. */
export function serverOf(socket: net.Socket | net.Server | undefined): net.Server | undefined {
  return (socket as { readonly _server?: net.Server | null } | undefined)?._server ?? undefined;
}
