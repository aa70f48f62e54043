import type WebSocket from 'ws';

/**
 * Pings every WebSocket in turn and ends those that have not answered since the last time: the way that the README of
 * `ws` recommends, with one timer for all and a flag on each.
 */
export function startHeartbeat(sockets: readonly WebSocket[], periodMs: number): () => void {
  const isAlive = Symbol('isAlive');
  type Flagged = WebSocket & { [isAlive]: boolean };
  function onPong(this: WebSocket) {
    (this as Flagged)[isAlive] = true;
  }
  for (const socket of sockets) {
    (socket as Flagged)[isAlive] = true;
    socket.on('pong', onPong);
  }
  const timer = setInterval(() => {
    for (const socket of sockets) {
      if (!(socket as Flagged)[isAlive]) socket.terminate();
      (socket as Flagged)[isAlive] = false;
      socket.ping();
    }
  }, periodMs);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.off('pong', onPong);
  };
}
