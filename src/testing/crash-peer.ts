import type net from 'node:net';
import { pause } from '../native/pause.js';
import { nowMs } from '../node/real-time.js';
import { getKeepAlive, setKeepAlive } from '../socket/keep-alive.js';
import { readTcpInfo } from '../socket/tcp-info.js';
import { connectedDescriptor, restoreReception, setReception } from './reception.js';

/** A peer that has vanished, as far as the other end can tell. */
export interface CrashedPeer {
  /**
   * Segments that the peer had sent and that were still unacknowledged when it vanished, normally 0. Its kernel goes
   * on retransmitting them, which the other end sees as signs of life.
   */
  readonly unacknowledged: number;
  /** Brings the peer back, as after a pulled cable; what the other end sends is then answered. Safe to call twice. */
  revive(): void;
  [Symbol.dispose](): void;
}

/** The longest that a receiver may delay an acknowledgement (Linux TCP_DELACK_MAX, 200 ms), and some more. */
const longestAcknowledgementMs = 250;

/** Waits, blocking, until the kernel has no unacknowledged segment of this socket, and gives how many are left. */
function settleTransmissions(fd: number): number {
  const deadline = nowMs() + longestAcknowledgementMs;
  let { unacked } = readTcpInfo(fd);
  while (unacked > 0 && nowMs() < deadline) {
    pause(2);
    ({ unacked } = readTcpInfo(fd));
  }
  return unacked;
}

/**
 * Makes the end of a connection that `socket` is vanish: its kernel drops every packet that arrives for it, so that
 * nothing the other end sends is ever acknowledged, and it sends no FIN and no RST.
 *
 * What it had sent is first given up to 250 ms, blocking, to be acknowledged, because its kernel would retransmit it;
 * its own keepalive is off until it is revived. Do not write to it meanwhile; destroying it ends the silence, as its
 * kernel then sends FIN or RST. Do not combine it with `lossyPath` by `'outages'` on one socket: both use IP_MINTTL.
 *
 * Linux, IPv4 and IPv6, no privileges. Works on the loopback device and across routers, for packets whose TTL is
 * below 255 when they arrive; Linux sends with 64.
 *
 * @param socket The peer's own socket: the far end as seen from the program under test.
 * @throws {SystemCallError} EBADF or ENOTCONN when the socket is destroyed or not connected.
 * @throws {UnsupportedError} on other platforms.
 * @see ip(7), IP_MINTTL; Linux net/ipv4/tcp_ipv4.c, tcp_v4_rcv
 */
export function crashPeer(socket: net.Socket): CrashedPeer {
  const fd = connectedDescriptor(socket);
  const { enabled } = getKeepAlive(socket);
  const unacknowledged = settleTransmissions(fd);
  setReception(socket, 'drop');
  if (enabled) setKeepAlive(socket, false);
  let isCrashed = true;
  const revive = () => {
    if (!isCrashed) return;
    isCrashed = false;
    restoreReception(socket);
    if (enabled && !socket.destroyed) setKeepAlive(socket, {});
  };
  return { unacknowledged, revive, [Symbol.dispose]: revive };
}
