import grpc from '@grpc/grpc-js';

export const settings = {
  default: {},
  "'grpc.keepalive_time_ms': 10_000": { 'grpc.keepalive_time_ms': 10_000 },
};

const asIs = (bytes) => bytes;

export function open(port, options, report) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  const channel = client.getChannel();
  const { READY } = grpc.connectivityState;
  const watch = () =>
    channel.watchConnectivityState(READY, Number.POSITIVE_INFINITY, () => {
      report(`channel '${grpc.connectivityState[channel.getConnectivityState(false)]}'`);
    });
  const use = async () => {
    await new Promise((resolve, reject) =>
      client.makeUnaryRequest('/tests.Echo/Echo', asIs, asIs, Buffer.from('ping'), (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    );
    watch();
  };
  return { use, close: () => client.close() };
}
