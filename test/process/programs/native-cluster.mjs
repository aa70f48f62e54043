// The primary of a cluster has a policy and has loaded an addon; its worker accepts connections.
// Argument: `none` for SCHED_NONE, where the worker gives its server a policy of its own; `rr` for round-robin, where the
// worker takes a connection only after seconds.
import cluster from 'node:cluster';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [, , scheduling] = process.argv;
cluster.schedulingPolicy = scheduling === 'rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;

if (cluster.isPrimary) {
  await import('koffi');
  const { applyToProcess } = await import('../../../dist/index.js');
  const policy = applyToProcess('50:5:3', { rules: [{ role: 'client', policy: '60:5:3' }] });
  const worker = cluster.fork();
  worker.on('message', ({ idle }) => {
    process.stdout.write(JSON.stringify({ idle, native: policy.status().native }));
    worker.kill();
    process.exit();
  });
} else {
  const { getKeepAlive, setKeepAlive } = await import('../../../dist/index.js');
  const server = net.createServer((socket) => {
    if (scheduling === 'rr') process.send(getKeepAlive(socket));
  });
  server.listen(0, '127.0.0.1', async () => {
    if (scheduling === 'none') setKeepAlive(server, '20:2:2');
    net.connect(server.address().port, '127.0.0.1').on('error', () => {});
    if (scheduling === 'none') {
      await sleep(3000);
      process.send(getKeepAlive(server));
    } else {
      // Lets the connection be begun, then keeps the worker from taking it.
      await sleep(0);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
    }
  });
}
