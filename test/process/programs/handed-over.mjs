/** Hands sockets with settings of their own to a child process under another policy. Prints what they have there. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { getKeepAlive, setKeepAlive } from 'tcp-keepalive';

const settings = [
  (socket) => setKeepAlive(socket, '50:7:4:auto'),
  (socket) => setKeepAlive(socket, { idle: '50s' }),
  (socket) => socket.setKeepAlive(true, 60_000),
  (socket) => socket.setKeepAlive(true),
  () => {},
];

if (process.send === undefined) {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child = fork(new URL(import.meta.url), { execArgv: ['--import', 'tcp-keepalive/register'] });
  await once(child, 'message');
  const states = [];
  for (const set of settings) {
    const client = net.connect(server.address().port, '127.0.0.1').on('error', () => {});
    const [accepted] = await once(server, 'connection');
    set(accepted);
    const answer = once(child, 'message');
    child.send('socket', accepted);
    const [state] = await answer;
    states.push(state);
    client.destroy();
  }
  console.log(JSON.stringify(states));
  child.disconnect();
  server.close();
} else {
  process.on('message', (_, socket) => {
    socket.setKeepAlive(true, 90_000);
    process.send(getKeepAlive(socket));
    socket.destroy();
  });
  process.send('ready');
}
