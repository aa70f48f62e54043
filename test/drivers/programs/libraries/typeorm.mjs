import { DataSource } from 'typeorm';

const postgres = { type: 'postgres', username: 'postgres', database: 'postgres' };
const pool = { max: 1, idleTimeoutMillis: 0 };

export const settings = {
  default: { ...postgres, extra: pool },
  'extra: { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }': {
    ...postgres,
    extra: { ...pool, keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
  },
  "type: 'mysql'": {
    type: 'mysql',
    connectorPackage: 'mysql2',
    username: 'tester',
    password: 'secret',
    extra: { connectionLimit: 1 },
  },
};

export function open(port, options, report) {
  const poolErrorHandler = (error) => report('poolErrorHandler', error);
  const dataSource = new DataSource({ host: '127.0.0.1', port, poolErrorHandler, ...options });
  const connected = dataSource.initialize();
  const use = async () => {
    await connected;
    await dataSource.query('SELECT 1');
  };
  const locate = async (evaluate) => {
    const runner = dataSource.createQueryRunner();
    const connection = await runner.connect();
    evaluate({ connection });
    await runner.release();
  };
  return { use, close: () => dataSource.destroy(), locate };
}
