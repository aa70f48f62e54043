import net from 'node:net';
import { clearTimer, setTimer } from '../../node/real-time.js';
import { setKeepAlive } from '../keep-alive.js';
import { mostConnections } from './path-options.js';
import { accepted, alive, longestRequest, longestRestMs, parseRestRequest } from './rest-request.js';

/** The text after the rest is acknowledged within this time, or lost. */
const answeredWithinMs = 4000;

/** Tolerates an idle connection, and speaks after a rest if the client asks for that. */
function serve(socket: net.Socket): void {
  let received: string | undefined = '';
  const close = () => socket.resetAndDestroy();
  let timer = setTimer(close, longestRestMs + answeredWithinMs);
  const restart = (callback: () => void, ms: number) => {
    clearTimer(timer);
    timer = setTimer(callback, ms);
  };
  const speak = () => {
    socket.write(alive);
    restart(close, answeredWithinMs);
  };
  socket.on('error', () => {}).on('close', () => clearTimer(timer));
  socket.setEncoding('latin1').on('data', (text: string) => {
    if (received === undefined) return;
    received += text;
    const restMs = parseRestRequest(received);
    if (restMs !== undefined) {
      socket.write(accepted);
      restart(speak, restMs);
    }
    if (restMs !== undefined || received.length > longestRequest) received = undefined;
  });
}

/**
 * Returns a server for {@link measurePath}. It sends no probes, and closes an idle connection only after a day. It speaks first
 * after a rest if the client asks for that.
 */
export function pathServer(): net.Server {
  const server = net.createServer(serve);
  server.maxConnections = mostConnections;
  setKeepAlive(server, false);
  return server;
}
