import type net from 'node:net';

/**
 * Ends a connection with RST, so that no kernel goes on retransmitting on its behalf.
 *
 * A socket that is already sending FIN is only destroyed: libuv refuses to reset it and would leave its handle open
 * (uv_tcp_close_reset, UV_EINVAL).
 */
export function abortSocket(socket: net.Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
