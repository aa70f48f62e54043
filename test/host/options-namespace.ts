/** Run in a network namespace of its own: reads and sets all its sockets through the TCP iterator. Prints what it saw. */
import { once } from 'node:events';
import net from 'node:net';
import { TcpIterator } from '../../src/host/options/tcp-iterator.js';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { readBytesOption } from '../../src/native/socket/socket-options.js';
import { fdOf } from '../kernel/descriptor.js';

const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
  [net.Socket],
  unknown,
];
const endpoints = [server, client, accepted];
setKeepAlive(client, '11:12:13');
const sockets = endpoints.map((endpoint) => {
  const bytes = readBytesOption(fdOf(endpoint), { name: 'SO_COOKIE', level: 1, option: 57 }, 8);
  return { cookie: new DataView(bytes.buffer).getBigUint64(0, true), holders: [] };
});
const elsewhere = { cookie: BigInt(process.argv[2] ?? 0), holders: [] };
using iterator = new TcpIterator();
const { states } = iterator.read();
const same = endpoints.map((endpoint, index) => {
  const read = states.get(sockets[index]?.cookie ?? 0n);
  return (
    JSON.stringify(Object.entries(read ?? {}).sort()) === JSON.stringify(Object.entries(getKeepAlive(endpoint)).sort())
  );
});
const wanted = { idle: 'system', interval: 5000, count: 3, userTimeout: undefined } as const;
const outcomes = iterator.write([...sockets, elsewhere].map((socket) => ({ socket, wanted })));
console.log(
  JSON.stringify({
    size: states.size,
    same,
    client: states.get(sockets[1]?.cookie ?? 0n),
    elsewhere: states.get(elsewhere.cookie) ?? null,
    errors: outcomes.map(({ error }) => error ?? null),
    after: endpoints.map((endpoint) => getKeepAlive(endpoint)),
  }),
);
for (const endpoint of [client, accepted]) endpoint.destroy();
server.close();
