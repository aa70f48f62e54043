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
  return { use: () => pool.query('SELECT 1'), close: () => pool.end() };
}
