import http from 'node:http';
import { text } from 'node:stream/consumers';

export const settings = {
  default: undefined,
  'new Agent({ keepAlive: true, keepAliveMsecs: 10_000 })': { keepAlive: true, keepAliveMsecs: 10_000 },
};

export function open(port, options) {
  const agent = options === undefined ? http.globalAgent : new http.Agent(options);
  let response;
  const use = async () => {
    response = await new Promise((resolve, reject) =>
      http.get({ host: '127.0.0.1', port, agent }, resolve).on('error', reject),
    );
    await text(response);
    // The agent has the socket back once the response has been read and the call stack is empty.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { use, close: () => agent.destroy(), locate: (evaluate) => evaluate({ request: response.req }) };
}
