import { readFileSync } from 'node:fs';
import { createClient } from 'redis';

const ca = readFileSync(new URL('../../certificates/localhost.cert.pem', import.meta.url));

export const settings = {
  default: {},
  'socket: { keepAliveInitialDelay: 10_000 }': { keepAliveInitialDelay: 10_000 },
  'socket: { keepAlive: false }': { keepAlive: false },
  TLS: { tls: true, ca, servername: 'localhost' },
};

export function open(port, options, report) {
  const redis = createClient({ socket: { host: '127.0.0.1', port, ...options } });
  redis.on('error', (error) => report("'error'", error));
  const connected = redis.connect();
  return { use: () => connected.then(() => redis.ping()), close: () => redis.close() };
}
