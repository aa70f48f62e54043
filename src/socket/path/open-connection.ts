import net from 'node:net';
import { SystemCallError } from '../../native/errors.js';
import { clearTimer, RealPromise, setTimer } from '../../node/real-time.js';
import { endpointText } from '../../wire/endpoint.js';
import { setKeepAlive } from '../keep-alive.js';

/** The host and port at the other end of a path. */
export interface PathTarget {
  /** A name, or an IPv4 or IPv6 address without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

const connectedWithinMs = 10_000;

/** The reason and what to do, by the code of the error. */
const explanations: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has no address: check the name',
  EAI_AGAIN: 'could not be looked up: check the DNS servers',
  ECONNREFUSED: 'refused the connection: check the port, and that a server listens there',
  ECONNRESET: 'ended the connection at once with RST: check the port, and that a server listens there',
  ETIMEDOUT: `did not answer within ${connectedWithinMs / 1000} s: check the address, and the firewalls on the way`,
  EHOSTUNREACH: 'cannot be reached: there is no way to this address',
  ENETUNREACH: 'cannot be reached: this machine has no route to this address',
  EADDRNOTAVAIL: 'cannot be reached: this machine has no address of that kind',
  EAFNOSUPPORT: 'cannot be reached: this machine lacks the family of this address',
  EINVAL: 'is no address to connect to: check it, and its zone if it has one',
  EMFILE: 'was not asked: raise the limit of open files (ulimit -n), or use fewer connections',
  ENFILE: 'was not asked: the machine has no descriptor left (fs.file-max)',
  EACCES: 'was not asked: this machine does not permit the connection',
};

/** Returns the host and port as text: `db.example:5432`, `[2001:db8::1]:443`. */
export function targetText({ host, port }: PathTarget): string {
  return endpointText({ address: host, port });
}

/** The codes of errors that a machine without IPv6 has for an IPv6 address. */
const withoutIPv6 = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

function connectError(target: PathTarget, error: NodeJS.ErrnoException & { readonly address?: string }) {
  const { code = 'EIO', syscall, message, address = target.host } = error;
  const explanation = explanations[code] ?? `could not be connected to: ${message}`;
  const hint = withoutIPv6.has(code) && address.includes(':') ? '; without IPv6, name an IPv4 address' : '';
  const call = syscall === 'getaddrinfo' ? 'getaddrinfo' : 'connect';
  return new SystemCallError(call, code, `${targetText(target)} ${explanation}${hint}`, error);
}

/** Begins a connection whose kernel sends no keepalive probes. */
export function beginConnection({ host, port }: PathTarget): net.Socket {
  const socket = net.connect({ host, port });
  // A policy of the whole program leaves alone what was set on a socket itself.
  setKeepAlive(socket, false);
  return socket;
}

/**
 * Waits until a socket is connected.
 *
 * @throws {SystemCallError} if the connection fails, or takes longer than 10 s. The message says what to do.
 */
export function connected(socket: net.Socket, target: PathTarget): Promise<void> {
  return new RealPromise((resolve, reject) => {
    let isLookingUp = net.isIP(target.host) === 0;
    socket.once('lookup', () => {
      isLookingUp = false;
    });
    const late = () => (isLookingUp ? { code: 'EAI_AGAIN', syscall: 'getaddrinfo' } : { code: 'ETIMEDOUT' });
    const timer = setTimer(() => socket.destroy(Object.assign(new Error(), late())), connectedWithinMs);
    const onEnd = (error?: NodeJS.ErrnoException) => {
      clearTimer(timer);
      socket.off('connect', onConnect).off('error', onEnd).off('close', onClose);
      if (error !== undefined) reject(connectError(target, error));
    };
    const onClose = () => onEnd(Object.assign(new Error('the connection was closed'), { code: 'ECONNABORTED' }));
    const onConnect = () => {
      onEnd();
      resolve();
    };
    socket.once('connect', onConnect).once('error', onEnd).once('close', onClose);
  });
}
