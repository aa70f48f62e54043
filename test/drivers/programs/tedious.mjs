import { Connection } from 'tedious';

export const settings = { default: {} };

export function open(port, options, report) {
  const connection = new Connection({
    server: '127.0.0.1',
    authentication: { type: 'default', options: { userName: 'tester', password: 'secret' } },
    options: { port, encrypt: false, connectTimeout: 60_000, ...options },
  });
  connection.on('error', (error) => report("'error'", error));
  connection.connect((error) => error && report('connect()', error));
  const locate = async (evaluate) => {
    while (connection.socket === undefined) await new Promise((resolve) => setImmediate(resolve));
    evaluate({ connection });
  };
  return { use: () => undefined, close: () => connection.close(), locate };
}
