import { UnsupportedError } from '../native/errors.js';
import { readBytesOption } from '../native/socket/socket-options.js';
import { decodeTcpInfo, type TcpInfo, tcpInfoLength } from '../wire/tcp-info/decode.js';
import { currentPlatform } from './platforms/index.js';

/**
 * Reads what the kernel knows of a connection or listener.
 *
 * Linux only.
 *
 * @throws {UnsupportedError} elsewhere; {@link SystemCallError} if the kernel refuses it.
 */
export function readTcpInfo(fd: number): TcpInfo {
  const { tcpInfo } = currentPlatform();
  const decoded = tcpInfo === undefined ? undefined : decodeTcpInfo(readBytesOption(fd, tcpInfo, tcpInfoLength));
  if (decoded === undefined) throw new UnsupportedError('reading TCP_INFO', 'Linux');
  return decoded;
}
