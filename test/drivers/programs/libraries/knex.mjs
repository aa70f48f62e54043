import knex from 'knex';

export const settings = {
  default: { client: 'pg' },
  'keepAlive: true, keepAliveInitialDelayMillis: 10_000': {
    client: 'pg',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  },
  "client: 'mysql2'": { client: 'mysql2' },
};

const accounts = { pg: { user: 'postgres' }, mysql2: { user: 'tester', password: 'secret' } };

export function open(port, { client, ...options }) {
  const connection = { host: '127.0.0.1', port, ...accounts[client], ...options };
  // A pool of its own would close a connection that was idle for 30 s, though none of its minimum of 2.
  const db = knex({ client, connection, pool: { min: 0, max: 1, idleTimeoutMillis: 600_000 } });
  const locate = async (evaluate) => {
    const acquired = await db.client.acquireConnection();
    evaluate({ connection: acquired });
    await db.client.releaseConnection(acquired);
  };
  return { use: () => db.raw('SELECT 1'), close: () => db.destroy(), locate };
}
