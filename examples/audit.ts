// An audit for CI or a monitor: connections whose peers could vanish without being noticed within a minute.
//
//   node --import tsx examples/audit.ts [process]    exits with 2 when there are any, 3 when it could not see all
//   node --import tsx examples/audit.ts --once       audits connections of its own, then ends
import { once } from 'node:events';
import net from 'node:net';
import { setKeepAlive } from 'tcp-keepalive';
import { dependsOnKeepAlive, isAnswered, listConnections, parseSelection } from 'tcp-keepalive/linux';

const [argument] = process.argv.slice(2);
const isOnce = argument === '--once';

/** Two connections to a server that protects its own ends: one client has keepalive, the other has not. */
async function connectTwo(): Promise<() => void> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  setKeepAlive(server, '30:5:3');
  const sockets: net.Socket[] = [];
  for (const policy of ['30:5:3', false] as const) {
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    setKeepAlive(client, policy);
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    sockets.push(client, accepted);
  }
  return () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
}

const close = isOnce ? await connectTwo() : () => {};
const selection = parseSelection(isOnce ? { pid: String(process.pid) } : { process: argument });
const listing = listConnections({ selection, withinMs: 60_000 });
const { rows, incomplete, notJudged } = listing;

// Listeners have the verdict of connections to come, and what is left of connections that have ended waits for no peer.
const waiting = rows.filter(({ connection }) => connection.state !== 'LISTEN' && dependsOnKeepAlive(connection));
const found = waiting.filter(({ verdict }) => verdict === 'unprotected' || verdict === 'slow');
for (const { connection, process, verdict } of found) {
  const { local, remote } = connection;
  console.log(
    `${verdict}: ${process?.program ?? process?.name} ${local.address}:${local.port} to ${remote.address}:${remote.port}`,
  );
}
console.log(`${waiting.length} connections, ${found.length} to look at, ${notJudged.connections} not seen`);
for (const { what, why } of incomplete) console.error(`not shown: ${what} (${why})`);

close();
if (!isOnce) process.exitCode = found.length > 0 ? 2 : isAnswered(listing) ? 0 : 3;
