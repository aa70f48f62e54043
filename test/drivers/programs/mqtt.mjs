import mqtt from 'mqtt';

export const settings = {
  default: {},
  'keepalive: 10': { keepalive: 10 },
};

export function open(port, options, report) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 100, ...options });
  client.on('error', (error) => report("'error'", error));
  client.on('close', () => report("'close'"));
  return {
    use: () => client.publishAsync('tests', 'payload', { qos: 1 }),
    close: () => client.endAsync(),
    locate: (evaluate) => evaluate({ client }),
  };
}
