import net from 'node:net';
import { Kafka, logLevel } from 'kafkajs';

export const settings = { default: {} };

export function open(port, options, report) {
  const connect = (more) => {
    const kafka = new Kafka({
      brokers: [`127.0.0.1:${port}`],
      logLevel: logLevel.NOTHING,
      requestTimeout: 60_000,
      retry: { retries: 0 },
      ...options,
      ...more,
    });
    const admin = kafka.admin();
    admin.connect().catch((error) => report('connect()', error));
    return admin;
  };
  const admin = connect();
  const locate = (evaluate) => {
    const socketFactory = ({ host, port, onConnect }) => {
      const socket = net.connect({ host, port }, onConnect);
      evaluate({ socket });
      return socket;
    };
    connect({ socketFactory });
  };
  return { use: () => undefined, close: () => admin.disconnect(), locate };
}
