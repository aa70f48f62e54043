import pg from 'pg';

export const settings = {
  default: {},
  'keepAlive: true': { keepAlive: true },
  'keepAlive: true, keepAliveInitialDelayMillis: 10_000': { keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
};

export function open(port, options, report) {
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', max: 1, idleTimeoutMillis: 0, ...options });
  pool.on('error', (error) => report("pool 'error'", error));
  const locate = async (evaluate) => {
    const client = await pool.connect();
    evaluate({ client });
    client.release();
  };
  return { use: () => pool.query('SELECT 1'), close: () => pool.end(), locate };
}
