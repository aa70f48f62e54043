import { readFileSync } from 'node:fs';
import https from 'node:https';
import { text } from 'node:stream/consumers';

const ca = readFileSync(new URL('../../certificates/localhost.cert.pem', import.meta.url));

export const settings = {
  default: undefined,
  'new Agent({ keepAlive: true, keepAliveMsecs: 10_000 })': { keepAlive: true, keepAliveMsecs: 10_000 },
};

export function open(port, options) {
  const agent = options === undefined ? https.globalAgent : new https.Agent(options);
  let response;
  const use = async () => {
    response = await new Promise((resolve, reject) =>
      https.get({ host: '127.0.0.1', port, agent, ca, servername: 'localhost' }, resolve).on('error', reject),
    );
    await text(response);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { use, close: () => agent.destroy(), locate: (evaluate) => evaluate({ request: response.req }) };
}
