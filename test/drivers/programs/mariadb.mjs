import net from 'node:net';
import mariadb from 'mariadb';

export const settings = {
  default: {},
  'keepAliveDelay: 10_000': { keepAliveDelay: 10_000 },
  'keepAliveDelay: -1': { keepAliveDelay: -1 },
};

const account = { user: 'tester', password: 'secret' };

export function open(port, options, report) {
  const pool = mariadb.createPool({ host: '127.0.0.1', port, ...account, connectionLimit: 1, ...options });
  pool.on('error', (error) => report("pool 'error'", error));
  const locate = async (evaluate) => {
    const socket = net.connect(port, '127.0.0.1');
    const connection = await mariadb.createConnection({ ...account, stream: () => socket });
    await connection.query('SELECT 1');
    evaluate({ socket });
  };
  return { use: () => pool.query('SELECT 1'), close: () => pool.end(), locate };
}
