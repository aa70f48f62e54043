import net from 'node:net';
import { type TcpHandle, type TcpPrototype, tcpPrototype } from './tcp-handle.js';

/** What is told of each call; each gives what the caller is to get. */
export interface Hooks {
  /** After a connection was begun: the handle has its descriptor. */
  connecting(handle: TcpHandle, address: string, port: number): void;
  /** Before a listener listens. */
  listening(handle: TcpHandle): void;
  /** Instead of the handle's own call, which is `call`. */
  handleKeepAlive(handle: TcpHandle, args: readonly unknown[], call: () => number): number;
  /** Around `socket.setKeepAlive`, which is `call`. */
  socketKeepAlive(
    socket: net.Socket,
    args: readonly unknown[],
    call: () => net.Socket,
    /** The function that the program called, above which its frames lie on the stack. */
    called: Method,
  ): net.Socket;
}

/** A method as it is wrapped, whatever it takes. */
export type Method = (this: never, ...args: never[]) => unknown;

/** Puts a wrapper in a method's place, with its name and length; gives what puts the method back. */
function wrap<Key extends string>(target: object, key: Key, make: (original: Method) => Method): () => void {
  const before = Object.getOwnPropertyDescriptor(target, key);
  const original = (target as Record<string, Method>)[key] as Method;
  const wrapper = make(original);
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  const { writable = true, enumerable = false, configurable = true } = before ?? {};
  Object.defineProperty(target, key, { value: wrapper, writable, enumerable, configurable });
  return () => {
    // Where someone has wrapped the wrapper, it stays, and passes every call on.
    if ((target as Record<string, unknown>)[key] !== wrapper) return;
    if (before === undefined) delete (target as Record<string, unknown>)[key];
    else Object.defineProperty(target, key, before);
  };
}

function wrapConnect(hooks: Pick<Hooks, 'connecting'>, isActive: () => boolean) {
  return (original: Method): Method =>
    function connect(this: TcpHandle, ...args: [object, string, number]) {
      const status = Reflect.apply(original, this, args) as number;
      if (status === 0 && isActive()) hooks.connecting(this, args[1], args[2]);
      return status;
    } as Method;
}

function wrapListen(hooks: Hooks, isActive: () => boolean) {
  return (original: Method): Method =>
    function listen(this: TcpHandle, ...args: unknown[]) {
      if (isActive()) hooks.listening(this);
      return Reflect.apply(original, this, args as never[]);
    } as Method;
}

function wrapHandleKeepAlive(hooks: Hooks, isActive: () => boolean) {
  return (original: Method): Method =>
    function setKeepAlive(this: TcpHandle, ...args: unknown[]) {
      const call = () => Reflect.apply(original, this, args as never[]) as number;
      return isActive() ? hooks.handleKeepAlive(this, args, call) : call();
    } as Method;
}

function wrapSocketKeepAlive(hooks: Hooks, isActive: () => boolean) {
  return (original: Method): Method =>
    function setKeepAlive(this: net.Socket, ...args: unknown[]) {
      const call = () => Reflect.apply(original, this, args as never[]) as net.Socket;
      return isActive() ? hooks.socketKeepAlive(this, args, call, setKeepAlive as Method) : call();
    } as Method;
}

/** Is told of each connection that this thread begins; gives what ends that. */
export function onConnecting(connecting: Hooks['connecting']): () => void {
  let active = true;
  const restore = (['connect', 'connect6'] as const).map((method) =>
    wrap(
      tcpPrototype(),
      method,
      wrapConnect({ connecting }, () => active),
    ),
  );
  return () => {
    active = false;
    for (const undo of restore) undo();
  };
}

/**
 * Wraps the methods through which every TCP connection of this thread comes; gives what unwraps them all.
 *
 * @throws {UnsupportedError} where the runtime has no such methods.
 */
export function intercept(hooks: Hooks): () => void {
  const prototype: TcpPrototype = tcpPrototype();
  let active = true;
  const isActive = () => active;
  const restore = [
    wrap(prototype, 'connect', wrapConnect(hooks, isActive)),
    wrap(prototype, 'connect6', wrapConnect(hooks, isActive)),
    wrap(prototype, 'listen', wrapListen(hooks, isActive)),
    wrap(prototype, 'setKeepAlive', wrapHandleKeepAlive(hooks, isActive)),
    wrap(net.Socket.prototype, 'setKeepAlive', wrapSocketKeepAlive(hooks, isActive)),
  ];
  return () => {
    active = false;
    for (const undo of restore) undo();
  };
}
