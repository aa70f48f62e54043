import type net from 'node:net';
import { pause } from '../native/pause.js';
import { nowMs } from '../node/real-time.js';
import { getKeepAlive, setKeepAlive } from '../socket/keep-alive.js';
import { readTcpInfo } from '../socket/tcp-info.js';
import { connectedDescriptor, restoreReception, setReception } from './reception.js';

/** A peer that no longer answers the other end. */
export interface CrashedPeer {
  /**
   * Segments of the peer that were unacknowledged at the crash, normally 0. The peer's kernel still retransmits the segments,
   * so the other end still receives them from the peer.
   */
  readonly unacknowledged: number;
  /** Brings the peer back, as after a pulled cable: its kernel answers again. Does nothing the second time. */
  revive(): void;
  /** Calls `revive`, so that no kernel drops packets any more. */
  close(): void;
  /** Calls `close`. */
  [Symbol.dispose](): void;
}

/** The longest delay of an acknowledgement (Linux TCP_DELACK_MAX, 200 ms), and some more. */
const longestAcknowledgementMs = 250;

/** Blocks until the kernel has no unacknowledged segment of this socket, for 250 ms at most. Returns how many are left. */
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
 * Makes a peer vanish: the kernel drops every packet that arrives for `socket`, and sends no ACK, no FIN and no RST.
 *
 * Blocks the thread for up to 250 ms until earlier data of the socket is acknowledged, because the kernel would retransmit
 * the data. Turns keepalive of the socket off until the peer is revived. Do not write to the socket meanwhile. Destroying
 * the socket ends the silence: the kernel then sends FIN or RST. Do not use `lossyPath` by `'outages'` on the same socket:
 * both set IP_MINTTL.
 *
 * Linux, IPv4 and IPv6, no privileges. Works on the loopback device and across routers, for packets whose TTL is
 * below 255 when they arrive; Linux sends with 64.
 *
 * @example
 * using crashed = crashPeer(client);
 * await once(server, 'error'); // ETIMEDOUT
 *
 * @param socket The peer's own socket: the far end as seen from the program under test.
 * @throws {SystemCallError} EBADF or ENOTCONN if the socket is destroyed or not connected.
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
  return { unacknowledged, revive, close: revive, [Symbol.dispose]: revive };
}
