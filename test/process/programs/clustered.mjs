/**
 * Serves from two workers; its environment says how connections are scheduled and who has the policy. Prints what the
 * connections have that the workers accepted.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';
import { applyToProcess, getKeepAlive } from 'tcp-keepalive';

if (cluster.isPrimary) {
  cluster.schedulingPolicy = process.env.SCHEDULING === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
  const workers = [cluster.fork(), cluster.fork()];
  const [[, { port }]] = await Promise.all(workers.map(() => once(cluster, 'listening')));
  const accepted = [];
  cluster.on('message', (_, state) => accepted.push(state));
  const clients = [];
  while (accepted.length < 4) {
    const client = net.connect(port, '127.0.0.1');
    clients.push(client);
    await once(client, 'connect');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(JSON.stringify(accepted));
  for (const client of clients) client.destroy();
  for (const worker of workers) worker.process.kill();
} else {
  if (process.env.IN_WORKERS) applyToProcess(process.env.IN_WORKERS);
  net.createServer((socket) => process.send(getKeepAlive(socket))).listen(0, '127.0.0.1');
}
