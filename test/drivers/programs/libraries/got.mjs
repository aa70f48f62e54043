import http from 'node:http';
import got from 'got';

const lasting = { keepAlive: true, keepAliveMsecs: 10_000 };

export const settings = {
  default: {},
  'agent: { http: new Agent({ keepAlive: true, keepAliveMsecs: 10_000 }) }': {
    agent: { http: new http.Agent(lasting) },
  },
};

export function open(port, options) {
  let request;
  const use = async () => {
    const response = got(`http://127.0.0.1:${port}/`, options);
    response.on('request', (sent) => {
      request = sent;
    });
    await response;
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { use, close: () => options.agent?.http.destroy(), locate: (evaluate) => evaluate({ request }) };
}
