// An HTTP server that notices a client which vanished in the middle of a long response or between two requests.
//
//   node --import tsx examples/http-server.ts [port]    serves until Ctrl+C
//   node --import tsx examples/http-server.ts --once    answers one request of its own, then ends
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { getKeepAlive, setKeepAlive } from 'tcp-keepalive';

const [argument = '0'] = process.argv.slice(2);
const isOnce = argument === '--once';

// Anything with a socket underneath can be asked: here the request.
const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(getKeepAlive(request)));
});
// A response under way is data in flight, where keepalive is silent: the user timeout covers that time.
setKeepAlive(server, '30:5:3:auto');
server.listen(isOnce ? 0 : Number(argument), '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`listening on port ${port}`);
process.once('SIGINT', () => server.close());

if (isOnce) {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  console.log(await response.text());
  server.close();
  server.closeAllConnections();
}
