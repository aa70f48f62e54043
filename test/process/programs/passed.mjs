/** Passes a socket and a listener to a child process. Prints what they have there. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { applyToProcess, getKeepAlive } from 'tcp-keepalive';

async function connected(server) {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}

if (process.send === undefined) {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [[accepted], client] = await Promise.all([once(server, 'connection'), connected(server)]);
  const child = fork(new URL(import.meta.url));
  await once(child, 'message');
  const answer = once(child, 'message');
  child.send('socket', accepted);
  const [socket] = await answer;
  const second = once(child, 'message');
  child.send('server', server);
  server.close();
  const [listener] = await second;
  console.log(JSON.stringify({ socket, listener }));
  client.destroy();
  child.disconnect();
} else {
  if (process.env.IN_CHILD) applyToProcess(process.env.IN_CHILD);
  process.on('message', async (what, handle) => {
    if (what === 'socket') {
      process.send(getKeepAlive(handle));
      handle.destroy();
      return;
    }
    const [[accepted], client] = await Promise.all([once(handle, 'connection'), connected(handle)]);
    process.send(getKeepAlive(accepted));
    for (const end of [accepted, client]) end.destroy();
    handle.close();
  });
  process.send('ready');
}
