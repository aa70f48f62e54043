import type net from 'node:net';

/**
 * Ends a connection with RST, so that no kernel retransmits afterwards.
 *
 * Only destroys a socket that is already sending FIN: libuv refuses to reset such a socket, and would leave the handle open
 * (uv_tcp_close_reset, UV_EINVAL).
 */
export function abortSocket(socket: net.Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
