import { constants } from 'node:os';
import { codeOfErrno, SystemCallError, UnsupportedError } from '../../native/errors.js';
import { NetlinkSocket } from '../../native/socket/netlink-socket.js';
import { ConfigurationError } from '../../policy/configuration-error.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { AF_INET, AF_INET6, encodeInetDiagRequest, SOCK_DESTROY } from '../../wire/inet-diag/messages.js';
import { parseAddress } from '../../wire/ip-address.js';
import { encodeMessage, errnoOfAnswer, NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR } from '../../wire/netlink.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { HostConnection } from '../list/connection.js';
import { checkNetns, type OpenDiagnosisSocket, openDiagnosisSocket } from './dump.js';
import type { SocketName } from './missed-sockets.js';
import { requestEach } from './request-batch.js';

/** The part of a {@link HostConnection} that identifies its socket. */
export type DestroyTarget = Pick<
  HostConnection,
  'family' | 'local' | 'remote' | 'interfaceIndex' | 'cookie' | 'netns' | 'state'
>;

/** The result for one connection. */
export interface DestroyResult<Target extends DestroyTarget = DestroyTarget> {
  readonly connection: Target;
  /** `gone`: it had ended before. */
  readonly outcome: 'destroyed' | 'gone' | 'failed';
  /** Why it failed. */
  readonly error?: SystemCallError | UnsupportedError;
}

const { EPROTO } = constants.errno;

function addressBytes(family: 4 | 6, text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const address = parseAddress(text);
  if (address === undefined) throw new RangeError(`'${text}' is not an address`);
  if (address.length === 4 && family === 6) {
    bytes.set([0xff, 0xff], 10);
    bytes.set(address, 12);
  } else {
    bytes.set(address);
  }
  return bytes;
}

/** Returns how the kernel names the socket of a connection. */
export function socketOf({ family, local, remote, interfaceIndex, cookie }: DestroyTarget): SocketName {
  return {
    family: family === 4 ? AF_INET : AF_INET6,
    id: {
      sourcePort: local.port,
      destinationPort: remote.port,
      source: addressBytes(family, local.address),
      destination: addressBytes(family, remote.address),
      interfaceIndex,
      cookie,
    },
  };
}

function requestFor(connection: DestroyTarget, sequence: number): Uint8Array {
  return encodeMessage({
    type: SOCK_DESTROY,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    sequence,
    payload: encodeInetDiagRequest({ ...socketOf(connection), extensions: 0, states: 0 }),
  });
}

function failure(code: string): SystemCallError | UnsupportedError {
  const explanations: Readonly<Record<string, string>> = {
    EPERM: 'closing a connection of the machine takes CAP_NET_ADMIN in its network namespace',
    EOPNOTSUPP: 'the kernel cannot close sockets for others',
  };
  const cause = new SystemCallError('SOCK_DESTROY', code, explanations[code] ?? 'the kernel did not close it');
  if (code !== 'EOPNOTSUPP') return cause;
  return new UnsupportedError('closing connections', 'Linux 4.5 with CONFIG_INET_DIAG_DESTROY', cause);
}

function resultFor<Target extends DestroyTarget>(connection: Target, errno: number): DestroyResult<Target> {
  if (errno === 0) return { connection, outcome: 'destroyed' };
  const code = codeOfErrno(errno);
  if (code === 'ENOENT') return { connection, outcome: 'gone' };
  return { connection, outcome: 'failed', error: failure(code) };
}

/** Closes connections through a socket that `open` opens. */
export function destroyThrough<Target extends DestroyTarget>(
  open: OpenDiagnosisSocket,
  connections: readonly Target[],
  netns?: string | number,
): DestroyResult<Target>[] {
  const opened = openDiagnosisSocket(netns, open);
  try {
    const stranger = connections.find((connection) => connection.netns !== opened.netns);
    if (stranger !== undefined) {
      throw new RangeError(`a connection of the network namespace ${stranger.netns} is not in ${opened.netns}`);
    }
    const results: DestroyResult<Target>[] = [];
    requestEach(opened.socket, {
      name: 'SOCK_DESTROY',
      subjects: connections,
      encode: requestFor,
      onAnswer(index, view, message) {
        const errno = message.type === NLMSG_ERROR ? errnoOfAnswer(view, message) : undefined;
        const connection = connections[index] as Target;
        results[index] = resultFor(connection, typeof errno === 'number' ? errno : EPROTO);
      },
    });
    return results;
  } finally {
    opened.socket.close();
  }
}

/** How connections are closed. */
export interface DestroyOptions {
  /** The network namespace of all the connections: a path, or the id of a process in it. Default: this process's own. */
  readonly netns?: string | number;
}

/**
 * Closes connections of one network namespace at once, whatever process has them: its next call fails with ECONNABORTED, and
 * the peer gets an RST.
 *
 * Finds each socket by its cookie, so never another socket with the same addresses. Needs CAP_NET_ADMIN. Blocks the thread
 * for about 20 us a connection. Linux.
 *
 * @example
 * const { connections } = dumpConnections({ filter: { kind: 'remote-port', from: 5432, to: 5432 } });
 * for (const { connection, outcome } of destroyConnections(connections)) console.log(connection.local.port, outcome);
 * @returns the result for each connection, in the given order.
 * @throws {ConfigurationError} if `connections` are not connections of a list, or an option is wrong.
 * @throws {RangeError} if a connection is of another namespace; nothing is closed then.
 * @throws {UnsupportedError} on other platforms.
 * @throws {SystemCallError} if the kernel cannot be asked.
 */
export function destroyConnections<Target extends DestroyTarget>(
  connections: readonly Target[],
  options: DestroyOptions = {},
): DestroyResult<Target>[] {
  assertConnections(connections);
  checkNetns(new OptionsCheck('destroyConnections', options, ['netns']), options);
  if (isWorker()) return fromWorker('destroyConnections', [connections, options]);
  return destroyThrough(NetlinkSocket.open, connections, options.netns);
}

function isConnection(value: unknown): boolean {
  const { local, remote, cookie, netns } = (value ?? {}) as Partial<DestroyTarget>;
  return typeof cookie === 'bigint' && typeof netns === 'number' && isEndpoint(local) && isEndpoint(remote);
}

function isEndpoint(value: unknown): boolean {
  const { address, port } = (value ?? {}) as { address?: unknown; port?: unknown };
  return typeof address === 'string' && typeof port === 'number';
}

function assertConnections(given: unknown): void {
  if (Array.isArray(given) && given.every(isConnection)) return;
  const allowed = 'an array of connections, such as those of dumpConnections()';
  throw new ConfigurationError('destroyConnections', 'connections', given, allowed);
}
