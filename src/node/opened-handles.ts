import { channel } from 'node:diagnostics_channel';
import type net from 'node:net';
import { onConnecting } from './connection-hooks.js';
import { guarded } from './guarded.js';
import { isTcpHandle, type TcpHandle, tcpHandleOf, tcpPrototype } from './tcp-handle.js';
import { type Method, wrap } from './wrap.js';

type Visit = (handle: TcpHandle) => void;

function around(before: Visit | undefined, after?: Visit) {
  return (original: Method): Method =>
    function wrapper(this: TcpHandle, ...args: unknown[]) {
      guarded(() => before?.(this));
      const status = Reflect.apply(original, this, args as never[]);
      guarded(() => after?.(this));
      return status;
    } as Method;
}

/**
 * Calls `received` for each TCP handle that another process hands over. Forked processes and workers of a cluster get
 * handles in Node's internal messages. Returns a function that stops the calls.
 */
export function onHandedOver(received: Visit): () => void {
  const onInternalMessage = (_: unknown, handle: unknown) => {
    guarded(() => {
      if (isTcpHandle(handle)) received(handle);
    });
  };
  process.prependListener('internalMessage' as 'message', onInternalMessage);
  return () => void process.off('internalMessage', onInternalMessage);
}

/** Calls `opened` for each TCP handle that this thread opens from now on. Returns a function that stops the calls. */
export function followOpened(opened: Visit): () => void {
  const onAccepted = (message: unknown) => {
    guarded(() => {
      const handle = tcpHandleOf((message as { socket: net.Socket }).socket);
      if (handle !== undefined) opened(handle);
    });
  };
  const unwrap = [
    onHandedOver(opened),
    onConnecting(opened),
    wrap(tcpPrototype(), 'listen', around(opened)),
    // `new net.Socket({ fd })` and `listen({ fd })`.
    wrap(tcpPrototype(), 'open', around(undefined, opened)),
    // The primary of a cluster binds the listeners of its workers (lib/internal/cluster/shared_handle.js).
    wrap(tcpPrototype(), 'bind', around(undefined, opened)),
    wrap(tcpPrototype(), 'bind6', around(undefined, opened)),
  ];
  channel('net.server.socket').subscribe(onAccepted);
  return () => {
    for (const undo of unwrap) undo();
    channel('net.server.socket').unsubscribe(onAccepted);
  };
}

/** Calls `closing` right before each handle of this thread is closed. Returns a function that stops the calls. */
export function followClosing(closing: Visit): () => void {
  // `close` is wrapped where it is defined, for handles of all kinds: the peer watch wraps each definition in the chain.
  let prototype: object = tcpPrototype();
  while (!Object.hasOwn(prototype, 'close')) prototype = Object.getPrototypeOf(prototype);
  return wrap(prototype, 'close', around(closing));
}
