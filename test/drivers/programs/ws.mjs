import { once } from 'node:events';
import { WebSocket } from 'ws';

export const settings = { default: {} };

export function open(port, options, report) {
  let connected;
  const connect = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, options);
    socket.on('error', (error) => report("'error'", error));
    // It does not connect again by itself.
    socket.on('close', (code) => {
      connected = undefined;
      report(`'close' ${code}`);
    });
    await once(socket, 'open');
    return socket;
  };
  const use = async () => {
    connected ??= connect();
    const socket = await connected;
    socket.send('ping');
    await once(socket, 'message');
  };
  return {
    use,
    close: async () => (await connected)?.terminate(),
    locate: async (evaluate) => evaluate({ ws: await connected }),
  };
}
