import { connect } from '@nats-io/transport-node';

export const settings = {
  default: {},
  'pingInterval: 10_000': { pingInterval: 10_000 },
};

async function reportStatus(connection, report) {
  for await (const { type, error } of connection.status()) report(`status '${type}'`, error);
}

export function open(port, options, report) {
  const connected = connect({ servers: `127.0.0.1:${port}`, reconnectTimeWait: 100, ...options });
  connected.then((connection) => reportStatus(connection, report));
  return {
    use: async () => (await connected).flush(),
    close: async () => (await connected).close(),
    locate: async (evaluate) => evaluate({ connection: await connected }),
  };
}
