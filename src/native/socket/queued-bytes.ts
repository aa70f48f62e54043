import { checked, linuxCalls } from '../linux-calls.js';
import { callInNativeThread } from '../thread/ask.js';
import { isForwarding } from '../thread/role.js';

/** include/uapi/linux/sockios.h: SIOCOUTQ is TIOCOUTQ, SIOCINQ is FIONREAD. */
const requests = { SIOCOUTQ: 0x5411, SIOCINQ: 0x541b };

const bytes = new Int32Array(new ArrayBuffer(4));

function bytesIn(fd: number, request: keyof typeof requests): number {
  const detail = `descriptor ${fd} must be a connected TCP socket`;
  checked(linuxCalls().ioctl(fd, requests[request], bytes), `ioctl(${request})`, detail);
  return bytes[0] as number;
}

/**
 * Returns the number of bytes in a TCP socket that the peer has not acknowledged, sent or not. Linux (tcp(7), SIOCOUTQ).
 *
 * @throws {SystemCallError} EBADF if the descriptor is closed, EINVAL for a listener.
 */
export function unacknowledgedBytes(fd: number): number {
  if (isForwarding()) return callInNativeThread('unacknowledgedBytes', fd);
  return bytesIn(fd, 'SIOCOUTQ');
}

/**
 * Returns the number of bytes that a TCP socket has received and the program has not read. Linux (tcp(7), SIOCINQ).
 *
 * @throws {SystemCallError} EBADF if the descriptor is closed, EINVAL for a listener.
 */
export function unreadBytes(fd: number): number {
  if (isForwarding()) return callInNativeThread('unreadBytes', fd);
  return bytesIn(fd, 'SIOCINQ');
}
