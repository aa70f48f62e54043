/** Gives a listener's descriptor to a process under the policy, which prints what a connection that it accepts has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { getKeepAlive } from 'tcp-keepalive';

if (process.argv[2] === undefined) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const args = ['--import', 'tcp-keepalive/register', fileURLToPath(import.meta.url), String(port)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', server._handle.fd] });
  server.close();
  await once(child, 'close');
} else {
  const server = net.createServer().listen({ fd: 3 });
  await once(server, 'listening');
  const client = net.connect(Number(process.argv[2]), '127.0.0.1');
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  console.log(JSON.stringify([getKeepAlive(accepted), getKeepAlive(server)]));
  for (const end of [client, accepted]) end.destroy();
  server.close();
}
