import net from 'node:net';
import { quietly } from './quietly.js';
import { type TcpHandle, type TcpPrototype, tcpPrototype } from './tcp-handle.js';
import { whenTlsIsLoaded } from './tls-loading.js';
import { type Method, wrap } from './wrap.js';

/** Node's own request of a connect call: its function is called when the call is over (src/connect_wrap.cc). */
export interface ConnectRequest {
  oncomplete?: (...args: unknown[]) => unknown;
}

/** What is told of each call; each gives what the caller is to get. */
export interface Hooks {
  /** After a connection was begun: the handle has its descriptor. */
  connecting(handle: TcpHandle, address: string, port: number, request: ConnectRequest): void;
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

/** Listeners behind one wrapper, which is there while there are any. */
class SharedWrapper<Listener> {
  readonly #listeners = new Set<Listener>();
  readonly #wrapAll: (listeners: ReadonlySet<Listener>) => () => void;
  #unwrapAll: (() => void) | undefined;

  constructor(wrapAll: (listeners: ReadonlySet<Listener>) => () => void) {
    this.#wrapAll = wrapAll;
  }

  /** Gives what ends it. */
  add(listener: Listener): () => void {
    this.#unwrapAll ??= this.#wrapAll(this.#listeners);
    this.#listeners.add(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#unwrapAll?.();
      this.#unwrapAll = undefined;
    };
  }
}

const ofConnecting = new SharedWrapper<Hooks['connecting']>((listeners) => {
  const wrapper = (original: Method): Method =>
    function connect(this: TcpHandle, ...args: [ConnectRequest, string, number]) {
      const status = Reflect.apply(original, this, args) as number;
      if (status !== 0) return status;
      const [request, address, port] = args;
      for (const listener of listeners) quietly(() => listener(this, address, port, request));
      return status;
    } as Method;
  const restore = (['connect', 'connect6'] as const).map((method) => wrap(tcpPrototype(), method, wrapper));
  return () => {
    for (const undo of restore) undo();
  };
});

/** Is told of each connection that this thread begins; gives what ends that. */
export function onConnecting(connecting: Hooks['connecting']): () => void {
  return ofConnecting.add(connecting);
}

type Securing = (secure: net.Socket, below: net.Socket) => void;

function wrapInit(prototype: object, listeners: ReadonlySet<Securing>): () => void {
  const wrapper = (original: Method): Method =>
    function _init(this: net.Socket, ...args: unknown[]) {
      Reflect.apply(original, this, args as never[]);
      const below = args[1];
      if (below instanceof net.Socket) for (const listener of listeners) quietly(() => listener(this, below));
    } as Method;
  return wrap(prototype, '_init', wrapper);
}

const ofSecuring = new SharedWrapper<Securing>((listeners) => {
  let restore = () => {};
  const stopWaiting = whenTlsIsLoaded((prototype) => {
    restore = wrapInit(prototype, listeners);
  });
  return () => {
    stopWaiting();
    restore();
  };
});

/** Is told of each TLS socket that this thread puts on a connected socket; gives what ends that. */
export function onSecuring(securing: Securing): () => void {
  return ofSecuring.add(securing);
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
    onConnecting((...args) => hooks.connecting(...args)),
    wrap(prototype, 'listen', wrapListen(hooks, isActive)),
    wrap(prototype, 'setKeepAlive', wrapHandleKeepAlive(hooks, isActive)),
    wrap(net.Socket.prototype, 'setKeepAlive', wrapSocketKeepAlive(hooks, isActive)),
  ];
  return () => {
    active = false;
    for (const undo of restore) undo();
  };
}
