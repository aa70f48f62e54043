import { Sequelize } from 'sequelize';

export const settings = {
  default: { dialect: 'postgres', username: 'postgres' },
  'dialectOptions: { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }': {
    dialect: 'postgres',
    username: 'postgres',
    dialectOptions: { keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
  },
  "dialect: 'mysql'": { dialect: 'mysql', username: 'tester', password: 'secret' },
};

export function open(port, options) {
  const pool = { max: 1, idle: 600_000 };
  const sequelize = new Sequelize({ host: '127.0.0.1', port, logging: false, pool, ...options });
  const locate = async (evaluate) => {
    const connection = await sequelize.connectionManager.getConnection();
    evaluate({ connection });
    sequelize.connectionManager.releaseConnection(connection);
  };
  return { use: () => sequelize.query('SELECT 1'), close: () => sequelize.close(), locate };
}
