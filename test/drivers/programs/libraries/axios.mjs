import http from 'node:http';
import axios from 'axios';

const lasting = { keepAlive: true, keepAliveMsecs: 10_000 };

export const settings = {
  default: {},
  'httpAgent: new Agent({ keepAlive: true, keepAliveMsecs: 10_000 })': { httpAgent: new http.Agent(lasting) },
  "adapter: 'fetch'": { adapter: 'fetch' },
};

export function open(port, options) {
  let response;
  const use = async () => {
    response = await axios.get(`http://127.0.0.1:${port}/`, options);
    // The agent has the socket back once the response has been read and the call stack is empty.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { use, close: () => options.httpAgent?.destroy(), locate: (evaluate) => evaluate({ response }) };
}
