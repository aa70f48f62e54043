import { once } from 'node:events';
import net from 'node:net';
import postgres from 'postgres';

export const settings = {
  default: {},
  'keep_alive: 10': { keep_alive: 10 },
  'keep_alive: null': { keep_alive: null },
};

export function open(port, options, report) {
  const onclose = () => report('onclose');
  const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', max: 1, onclose, ...options });
  const locate = async (evaluate) => {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    await postgres({ user: 'postgres', max: 1, socket: () => socket })`SELECT 1`;
    evaluate({ socket });
  };
  return { use: () => sql`SELECT 1`, close: () => sql.end(), locate };
}
