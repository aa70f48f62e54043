import type net from 'node:net';
import { Socket } from './classes.js';
import { guarded } from './guarded.js';
import { ownerOf, shareOwner, type TcpHandle, type TcpPrototype, tcpPrototype } from './tcp-handle.js';
import { whenTlsIsLoaded } from './tls-loading.js';
import { type Method, wrap } from './wrap.js';

/** A connect request of Node.js, which calls `oncomplete` at the end of the attempt (src/connect_wrap.cc). */
export interface ConnectRequest {
  oncomplete?: (...args: unknown[]) => unknown;
}

/** The hooks around calls of the program. An error of a hook becomes a process warning. */
export interface Hooks {
  /** Runs after a connect call has begun a connection: the handle has its descriptor. */
  connecting(handle: TcpHandle, address: string, port: number, request: ConnectRequest): void;
  /** Runs before a listener listens, or afterwards if the listener has no descriptor before. */
  listening(handle: TcpHandle): void;
  /** Replaces the handle's own `setKeepAlive`. Returns undefined to let the call proceed. */
  handleKeepAlive(handle: TcpHandle, args: readonly unknown[]): number | undefined;
  /** Runs `call`, which is the program's call of `socket.setKeepAlive`, and returns the result. */
  duringSocketCall(call: () => net.Socket): net.Socket;
  /**
   * Runs after `socket.setKeepAlive`.
   *
   * @param called The function that the program called; the program's frames are above it on the stack.
   */
  socketKeepAlive(socket: net.Socket, args: readonly unknown[], called: Method): void;
}

function wrapListen(hooks: Hooks, isActive: () => boolean) {
  return (original: Method): Method =>
    function listen(this: TcpHandle, ...args: unknown[]) {
      const notify = () => void (isActive() && guarded(() => hooks.listening(this)));
      const isOpen = this.fd >= 0;
      if (isOpen) notify();
      const status = Reflect.apply(original, this, args as never[]);
      if (!isOpen && status === 0) notify();
      return status;
    } as Method;
}

function wrapHandleKeepAlive(hooks: Hooks, isActive: () => boolean) {
  return (original: Method): Method =>
    function setKeepAlive(this: TcpHandle, ...args: unknown[]) {
      const status = isActive() ? guarded(() => hooks.handleKeepAlive(this, args)) : undefined;
      return status ?? Reflect.apply(original, this, args as never[]);
    } as Method;
}

function wrapSocketKeepAlive(hooks: Hooks, isActive: () => boolean) {
  return (original: Method): Method =>
    function setKeepAlive(this: net.Socket, ...args: unknown[]) {
      const call = () => Reflect.apply(original, this, args as never[]) as net.Socket;
      if (!isActive()) return call();
      const result = hooks.duringSocketCall(call);
      guarded(() => hooks.socketKeepAlive(this, args, setKeepAlive as Method));
      return result;
    } as Method;
}

/** Wraps methods once for all listeners, while there is at least one. */
class SharedWrapper<Listener> {
  #listeners = new Set<Listener>();
  readonly #wrapAll: (listeners: ReadonlySet<Listener>) => () => void;
  #unwrapAll: (() => void) | undefined;

  constructor(wrapAll: (listeners: ReadonlySet<Listener>) => () => void) {
    this.#wrapAll = wrapAll;
  }

  /** Adds a listener. Returns a function that removes it. */
  add(listener: Listener): () => void {
    const listeners = this.#listeners;
    this.#unwrapAll ??= this.#wrapAll(listeners);
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#unwrapAll?.();
      this.#unwrapAll = undefined;
      // A wrapper that somebody else has wrapped stays, and must not call the listeners of the next wrapper as well.
      this.#listeners = new Set();
    };
  }
}

const connectMethods = ['connect', 'connect6'] as const;

/** A TLS handle over a TCP handle: a program connects through the TLS handle. */
interface SecureHandle {
  readonly _parent?: object | null;
}

/** Makes a TLS handle share its owner with the handle below. Node.js shares the owner for the first address only. */
function wrapSecureConnect(original: Method): Method {
  return function connect(this: SecureHandle, ...args: unknown[]) {
    const { _parent: below } = this;
    if (below) guarded(() => shareOwner(this, below));
    return Reflect.apply(original, this, args as never[]);
  } as Method;
}

const connectWrapper = new SharedWrapper<Hooks['connecting']>((listeners) => {
  let secure: object | undefined;
  const wrapSecure = (handle: TcpHandle) => {
    const { _handle: top } = (ownerOf(handle) ?? {}) as { _handle?: SecureHandle | null };
    if (secure !== undefined || !top || top._parent !== handle) return;
    secure = Object.getPrototypeOf(top) as object;
    for (const method of connectMethods) restore.push(wrap(secure, method, wrapSecureConnect));
  };
  const wrapper = (original: Method): Method =>
    function connect(this: TcpHandle, ...args: [ConnectRequest, string, number]) {
      guarded(() => wrapSecure(this));
      const status = Reflect.apply(original, this, args) as number;
      if (status !== 0) return status;
      const [request, address, port] = args;
      for (const listener of listeners) guarded(() => listener(this, address, port, request));
      return status;
    } as Method;
  const restore = connectMethods.map((method) => wrap(tcpPrototype(), method, wrapper));
  return () => {
    for (const undo of restore) undo();
  };
});

/** Calls `connecting` after each connect call of this thread. Returns a function that stops the calls. */
export function onConnecting(connecting: Hooks['connecting']): () => void {
  return connectWrapper.add(connecting);
}

type Securing = (secure: net.Socket, below: net.Socket) => void;

function wrapInit(prototype: object, listeners: ReadonlySet<Securing>): () => void {
  const wrapper = (original: Method): Method =>
    function _init(this: net.Socket, ...args: unknown[]) {
      Reflect.apply(original, this, args as never[]);
      const below = args[1];
      if (below instanceof Socket) for (const listener of listeners) guarded(() => listener(this, below));
    } as Method;
  return wrap(prototype, '_init', wrapper);
}

const initWrapper = new SharedWrapper<Securing>((listeners) => {
  let restore = () => {};
  const stopWaiting = whenTlsIsLoaded((prototype) => {
    restore = wrapInit(prototype, listeners);
  });
  return () => {
    stopWaiting();
    restore();
  };
});

/** Calls `securing` for each TLS socket that this thread puts on a socket. Returns a function that stops the calls. */
export function onSecuring(securing: Securing): () => void {
  return initWrapper.add(securing);
}

/**
 * Wraps the methods that connect TCP sockets, listen and set keepalive. Returns a function that removes the wrappers.
 *
 * @throws {UnsupportedError} if the runtime has no such methods.
 */
export function installHooks(hooks: Hooks): () => void {
  const prototype: TcpPrototype = tcpPrototype();
  let active = true;
  const isActive = () => active;
  const restore = [
    onConnecting((...args) => hooks.connecting(...args)),
    wrap(prototype, 'listen', wrapListen(hooks, isActive)),
    wrap(prototype, 'setKeepAlive', wrapHandleKeepAlive(hooks, isActive)),
    wrap(Socket.prototype, 'setKeepAlive', wrapSocketKeepAlive(hooks, isActive)),
  ];
  return () => {
    active = false;
    for (const undo of restore) undo();
  };
}
