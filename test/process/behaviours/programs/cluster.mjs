// Two workers that share a port; each connection is answered by one of them.
import cluster from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';

const here = '127.0.0.1';

async function primary() {
  cluster.schedulingPolicy = process.argv[2] === 'rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;
  const workers = [cluster.fork(), cluster.fork()];
  const listening = await Promise.all(workers.map((worker) => once(worker, 'listening')));
  const [[{ port, addressType }], [other]] = listening;
  console.log(`type ${addressType}, one port: ${port === other.port}`);
  for (let turn = 0; turn < 4; turn += 1) {
    const client = net.connect(port, here).setKeepAlive(true, 1000);
    let text = '';
    for await (const chunk of client) text += chunk;
    console.log(`answer ${text}`);
  }
  for (const worker of workers) worker.disconnect();
  for (const worker of workers) {
    if (!worker.isDead()) await once(worker, 'exit');
    console.log(`exit ${worker.process.exitCode}, on its own: ${worker.exitedAfterDisconnect}`);
  }
}

if (cluster.isPrimary) await primary();
else net.createServer((socket) => socket.setKeepAlive(true, 1000).end('served')).listen(0, here);
