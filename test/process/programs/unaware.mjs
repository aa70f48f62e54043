/**
 * Knows nothing of the package. Opens a connection to the port in its environment in each context that its arguments name, or
 * accepts one, and says on the connection which context that is. Prints how each connection ends.
 */
import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const self = fileURLToPath(import.meta.url);
const port = Number(process.env.PORT);

function hold(socket, name) {
  socket.on('data', () => {});
  socket.on('error', ({ code, reason, message }) => console.log(JSON.stringify({ name, code, reason, message })));
  // What a connection that is given up has not sent yet must not arrive later.
  if (process.env.WRITES) socket.once('data', () => setTimeout(() => socket.write('in flight'), 200));
}

function connect(name) {
  const socket = net.connect({ host: 'localhost', port, autoSelectFamily: true }, () => socket.write(`${name}\n`));
  hold(socket, name);
}

function accept(name, accepted) {
  const server = net.createServer({ pauseOnConnect: name === 'passed' }, (socket) => {
    server.close();
    accepted(socket);
  });
  server.listen(0, '127.0.0.1', () => {
    const told = net.connect(port, '127.0.0.1', () => told.end(`${name} ${server.address().port}\n`));
  });
}

const contexts = {
  main: () => connect('main'),
  worker: () => new Worker(self, { workerData: 'worker', argv: [] }),
  fork: () => fork(self, ['forked']),
  forked: () => connect('fork'),
  cluster: () => {
    cluster.setupPrimary({ exec: self, args: ['clustered'] });
    cluster.fork();
  },
  clustered: () => connect('cluster'),
  accepted: () => accept('accepted', (socket) => hold(socket, 'accepted')),
  passed: () => {
    const child = fork(self, ['receiver']);
    child.once('message', () => accept('passed', (socket) => child.send('take', socket)));
  },
  receiver: () => {
    process.once('message', (_, socket) => hold(socket.resume(), 'passed'));
    process.send('ready');
  },
};

const names = isMainThread ? process.argv.slice(2) : [workerData];
for (const name of names) (isMainThread ? contexts[name] : () => connect(name))();
