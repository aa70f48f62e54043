// An HTTP/2 client that notices a server which vanished, without HTTP/2 pings of its own.
//
//   node --import tsx examples/http2-session.ts url       one request there
//   node --import tsx examples/http2-session.ts --once    one request to a server of its own
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { getKeepAlive, setKeepAlive } from 'tcp-keepalive';

async function listenLocally(): Promise<http2.Http2Server> {
  const server = http2.createServer((_request, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const [argument = '--once'] = process.argv.slice(2);
const server = argument === '--once' ? await listenLocally() : undefined;
const url = server ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : argument;

const session = http2.connect(url);
setKeepAlive(session, '30:5:3:auto');
await once(session, 'connect');
const { enabled, idle, interval, count } = getKeepAlive(session);
console.log(`keepalive ${enabled}, idle ${idle} ms, interval ${interval} ms, count ${count}`);

const stream = session.request({ ':path': '/' });
const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & { ':status': number }];
console.log(`status ${headers[':status']}`);
stream.resume();
await once(stream, 'close');
session.close();
server?.close();
