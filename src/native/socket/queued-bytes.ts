import { checked, linuxCalls } from '../linux-calls.js';
import { callInNativeThread } from '../thread/ask.js';
import { isForwarding } from '../thread/role.js';

/** include/uapi/linux/sockios.h: SIOCOUTQ is TIOCOUTQ. */
const SIOCOUTQ = 0x5411;

const bytes = new Int32Array(new ArrayBuffer(4));

/**
 * Returns the number of bytes in a TCP socket that the peer has not acknowledged, sent or not. Linux (tcp(7), SIOCOUTQ).
 *
 * @throws {SystemCallError} EBADF if the descriptor is closed, EINVAL for a listener.
 */
export function unacknowledgedBytes(fd: number): number {
  if (isForwarding()) return callInNativeThread('unacknowledgedBytes', fd);
  checked(
    linuxCalls().ioctl(fd, SIOCOUTQ, bytes),
    'ioctl(SIOCOUTQ)',
    `descriptor ${fd} must be a connected TCP socket`,
  );
  return bytes[0] as number;
}
