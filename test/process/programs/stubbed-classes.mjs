// Opens a connection under a policy and a watch while the classes of `node:net` are stubs, as tests of programs make them.
import { once } from 'node:events';
import net from 'node:net';
import { applyToProcess, getKeepAlive, probePeer, setKeepAlive, watchPeers } from '../../../dist/index.js';

const policy = applyToProcess('30:5:3');
const watch = watchPeers({ all: true });
const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
await once(server, 'listening');
const { Server, Socket } = net;
net.Server = function Stub() {};
net.Socket = function Stub() {};

const client = net.connect(server.address().port, '127.0.0.1').setKeepAlive(true, 9000);
const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
const idles = [client, accepted].map((socket) => getKeepAlive(socket).idle);
const { count } = setKeepAlive(client, '30:5:7');
const { answered } = await probePeer(client);
const has = [client, accepted].map((socket) => watch.has(socket));
const overruled = policy.status().overruled.length;
Object.assign(net, { Server, Socket });
process.stdout.write(JSON.stringify({ idles, count, answered, has, overruled }));
process.exit();
