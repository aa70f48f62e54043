import { once } from 'node:events';
import { io } from 'socket.io-client';

export const settings = {
  default: {},
  "transports: ['polling']": { transports: ['polling'] },
};

export function open(port, options, report) {
  const socket = io(`http://127.0.0.1:${port}`, {
    reconnectionDelay: 100,
    timeout: 60_000,
    forceNew: true,
    ...options,
  });
  socket.on('disconnect', (reason) => report(`'disconnect' ${reason}`));
  socket.on('connect_error', (error) => report("'connect_error'", error));
  // It begins with `http`, which it leaves for `ws` before or after it is connected.
  const upgrade = async () => {
    if (!socket.connected) await once(socket, 'connect');
    const { engine } = socket.io;
    if (options.transports === undefined && engine.transport.name !== 'websocket') await once(engine, 'upgrade');
  };
  const upgraded = upgrade();
  const use = async () => {
    await upgraded;
    await socket.emitWithAck('ping');
  };
  return { use, close: () => socket.disconnect(), locate: (evaluate) => evaluate({ socket }) };
}
