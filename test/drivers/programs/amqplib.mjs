import amqp from 'amqplib';

export const settings = {
  default: {},
  'socketOptions: { keepAlive: true }': { keepAlive: true },
  'socketOptions: { keepAlive: true, keepAliveDelay: 10_000 }': { keepAlive: true, keepAliveDelay: 10_000 },
};

export function open(port, socketOptions, report) {
  let connected;
  const connect = async () => {
    const connection = await amqp.connect(`amqp://127.0.0.1:${port}`, socketOptions);
    connection.on('error', (error) => report("connection 'error'", error));
    // It does not connect again by itself.
    connection.on('close', () => {
      connected = undefined;
      report("connection 'close'");
    });
    return { connection, channel: await connection.createChannel() };
  };
  const use = async () => {
    connected ??= connect();
    const { channel } = await connected;
    await channel.assertQueue('tests', { durable: false });
  };
  const locate = async (evaluate) => evaluate({ connection: (await connected).connection });
  return { use, close: async () => (await connected)?.connection.close(), locate };
}
