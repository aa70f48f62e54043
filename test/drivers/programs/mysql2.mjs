import mysql from 'mysql2/promise';

export const settings = {
  default: {},
  'keepAliveInitialDelay: 10_000': { keepAliveInitialDelay: 10_000 },
  'enableKeepAlive: false': { enableKeepAlive: false },
};

const account = { user: 'tester', password: 'secret' };

export function open(port, options, report) {
  const pool = mysql.createPool({ host: '127.0.0.1', port, ...account, connectionLimit: 1, ...options });
  pool.on('connection', (connection) => connection.on('error', (error) => report("connection 'error'", error)));
  const locate = async (evaluate) => {
    const connection = await pool.getConnection();
    evaluate({ connection });
    connection.release();
  };
  return { use: () => pool.query('SELECT 1'), close: () => pool.end(), locate };
}
