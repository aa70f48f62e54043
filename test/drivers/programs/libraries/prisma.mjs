import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '@prisma/client';
import pg from 'pg';

export const settings = {
  default: {},
  'keepAlive: true, keepAliveInitialDelayMillis: 10_000': { keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
};

export function open(port, options, report) {
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', max: 1, idleTimeoutMillis: 0, ...options });
  pool.on('error', (error) => report("pool 'error'", error));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const locate = async (evaluate) => {
    const client = await pool.connect();
    evaluate({ client });
    client.release();
  };
  const close = async () => {
    await prisma.$disconnect();
    await pool.end();
  };
  return { use: () => prisma.$queryRaw`SELECT 1`, close, locate };
}
