import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

export const settings = {
  default: {},
  'connection: { keepAlive: 10_000 }': { keepAlive: 10_000 },
};

export function open(port, options, report) {
  const queue = new Queue('tests', { connection: { host: '127.0.0.1', port, ...options } });
  queue.on('error', (error) => report("queue 'error'", error));
  const use = (to = queue) => to.add('job', {}, { removeOnComplete: true });
  const locate = async (evaluate) => {
    const redis = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
    await use(new Queue('tests', { connection: redis }));
    evaluate({ redis });
  };
  return { use, close: () => queue.close(), locate };
}
