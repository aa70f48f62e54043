import { constants } from 'node:os';
import { codeOfErrno, SystemCallError, UnsupportedError } from '../../native/errors.js';
import { NetlinkSocket } from '../../native/socket/netlink-socket.js';
import { AF_INET, AF_INET6, encodeInetDiagRequest, SOCK_DESTROY } from '../../wire/inet-diag/messages.js';
import { parseAddress } from '../../wire/ip-address.js';
import { encodeMessage, errnoOfAnswer, NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR } from '../../wire/netlink.js';
import { fromWorker, isWorker } from '../from-worker.js';
import type { HostConnection } from '../list/connection.js';
import { type OpenDiagnosisSocket, openDiagnosisSocket } from './dump.js';
import { requestEach } from './request-batch.js';

/** Which socket: what {@link HostConnection} says of it. */
export type DestroyTarget = Pick<
  HostConnection,
  'family' | 'local' | 'remote' | 'interfaceIndex' | 'cookie' | 'netns' | 'state'
>;

/** What became of one connection. */
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

function requestFor(connection: DestroyTarget, sequence: number): Uint8Array {
  const { family, local, remote, interfaceIndex, cookie } = connection;
  return encodeMessage({
    type: SOCK_DESTROY,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    sequence,
    payload: encodeInetDiagRequest({
      family: family === 4 ? AF_INET : AF_INET6,
      extensions: 0,
      states: 0,
      id: {
        sourcePort: local.port,
        destinationPort: remote.port,
        source: addressBytes(family, local.address),
        destination: addressBytes(family, remote.address),
        interfaceIndex,
        cookie,
      },
    }),
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

/**
 * Closes connections of this machine at once, whatever process has them: its next call gets ECONNABORTED, the peer an
 * RST. Needs CAP_NET_ADMIN. A socket is identified by its cookie, so never another one with the same addresses.
 *
 * All are of one network namespace: this process's own, or the one at a path or of a process.
 *
 * @returns what became of each, in the order given.
 * @throws {RangeError} if a connection is of another namespace, before anything is closed; {@link UnsupportedError} and
 * {@link SystemCallError} when the kernel cannot be asked.
 */
export function destroyConnections<Target extends DestroyTarget>(
  connections: readonly Target[],
  netns?: string | number,
  open: OpenDiagnosisSocket = NetlinkSocket.open,
): DestroyResult<Target>[] {
  if (isWorker() && open === NetlinkSocket.open) return fromWorker('destroyConnections', [connections, netns]);
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
