import { once } from 'node:events';
import ssh2 from 'ssh2';

export const settings = {
  default: {},
  'keepaliveInterval: 10_000': { keepaliveInterval: 10_000 },
};

export function open(port, options, report) {
  let connected;
  const connect = async () => {
    const client = new ssh2.Client();
    client.on('error', (error) => report("'error'", error));
    // It does not connect again by itself.
    client.on('close', () => {
      connected = undefined;
      report("'close'");
    });
    client.connect({
      host: '127.0.0.1',
      port,
      username: 'tester',
      password: 'secret',
      readyTimeout: 60_000,
      ...options,
    });
    await once(client, 'ready');
    return client;
  };
  const use = async () => {
    connected ??= connect();
    const client = await connected;
    await new Promise((resolve, reject) => {
      client.exec('true', (error, channel) => (error ? reject(error) : channel.on('close', resolve).resume()));
    });
  };
  return {
    use,
    close: async () => (await connected)?.end(),
    locate: async (evaluate) => evaluate({ client: await connected }),
  };
}
