import { subscribe } from 'node:diagnostics_channel';
import { Agent } from 'undici';

let message;
subscribe('undici:client:connected', (connected) => {
  message = connected;
});

export const settings = {
  default: {},
  'connect: { keepAliveInitialDelay: 10_000 }': { connect: { keepAliveInitialDelay: 10_000 } },
  'connect: { keepAlive: false }': { connect: { keepAlive: false } },
};

export function open(port, options, report) {
  const agent = new Agent({ connections: 1, ...options });
  agent.on('disconnect', (_origin, _targets, error) => report("agent 'disconnect'", error));
  const use = async () => {
    const { body } = await agent.request({ origin: `http://127.0.0.1:${port}`, path: '/', method: 'GET' });
    await body.text();
  };
  return { use, close: () => agent.destroy(), locate: (evaluate) => evaluate({ message }) };
}
