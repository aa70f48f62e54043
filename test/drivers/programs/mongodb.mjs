import { MongoClient } from 'mongodb';

export const settings = {
  default: {},
  'keepAliveInitialDelay: 10_000': { keepAliveInitialDelay: 10_000 },
};

export function open(port, options, report) {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}`, { serverSelectionTimeoutMS: 60_000, ...options });
  client.on('serverHeartbeatFailed', ({ failure }) => report("'serverHeartbeatFailed'", failure));
  client.connect().catch((error) => report('connect()', error));
  return { use: () => undefined, close: () => client.close() };
}
