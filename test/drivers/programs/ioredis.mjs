import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const ca = readFileSync(new URL('../../certificates/localhost.cert.pem', import.meta.url));

export const settings = {
  default: {},
  'keepAlive: 10_000': { keepAlive: 10_000 },
  'keepAlive: 0': { keepAlive: 0 },
  TLS: { tls: { ca, servername: 'localhost' } },
};

export function open(port, options, report) {
  const redis = new Redis({ host: '127.0.0.1', port, ...options });
  redis.on('error', (error) => report("'error'", error));
  redis.on('close', () => report("'close'"));
  return { use: () => redis.ping(), close: () => redis.quit(), locate: (evaluate) => evaluate({ redis }) };
}
