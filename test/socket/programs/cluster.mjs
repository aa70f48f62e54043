// A cluster of one worker: `node cluster.mjs <none|rr>` prints what the worker's server and its connection report.
import cluster from 'node:cluster';
import net from 'node:net';
import { getKeepAlive, setKeepAlive } from 'tcp-keepalive';

if (cluster.isPrimary) {
  cluster.schedulingPolicy = process.argv[2] === 'rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;
  const worker = cluster.fork();
  worker.on('message', (report) => {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    worker.kill();
  });
} else {
  const server = net.createServer((socket) => {
    process.send({ pending, listening, asked: getKeepAlive(server), connection: getKeepAlive(socket), listeners });
    socket.destroy();
  });
  const before = server.listenerCount('connection');
  const pending = setKeepAlive(server, '30:5:3');
  let listening;
  let listeners;
  server.listen(0, '127.0.0.1', () => {
    listening = setKeepAlive(server, '30:5:3');
    listeners = server.listenerCount('connection') - before;
    net.connect(server.address().port, '127.0.0.1').on('error', () => {});
  });
}
