const { once } = require('node:events');
const { getKeepAlive, KeepAliveError, setKeepAlive, watchPeers } = require('tcp-keepalive');
const { listConnections, parseSelection } = require('tcp-keepalive/linux');
const { crashPeer, loopbackPair } = require('tcp-keepalive/testing');

test('a crashed peer is found', async () => {
  const pair = await loopbackPair({ family: 4 });
  setKeepAlive(pair.server, '1:1:2:auto');
  expect(getKeepAlive(pair.server)).toEqual({ enabled: true, idle: 1000, interval: 1000, count: 2, userTimeout: 3000 });
  const watch = watchPeers({ sockets: [pair.server] });
  const dead = once(watch, 'dead');
  pair.server.on('error', () => {});
  crashPeer(pair.client);
  const [{ reason }] = await dead;
  expect(reason).toBe('user-timeout');
  watch.close();
  pair.close();
}, 20_000);

test('errors and the Linux API are of one copy', () => {
  expect(() => setKeepAlive({}, '30:5')).toThrow(KeepAliveError);
  const selection = parseSelection({ pid: String(process.pid) });
  expect(listConnections({ selection }).rows).toBeInstanceOf(Array);
});
