/** Run in a network namespace of its own: leaves 200,000 connections in TIME_WAIT and lists them all. Prints the counts. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { listConnections } from '../../src/host/list/list.js';

const [wanted, atOnce, perServer] = [200_000, 200, 25_000];
writeFileSync('/proc/sys/net/ipv4/tcp_max_tw_buckets', String(wanted * 2));
writeFileSync('/proc/sys/net/ipv4/tcp_tw_reuse', '0');
// Where most ports are taken, the kernel searches long for a free one.
writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '1024 65535');

/** Each has its own port, because a client has no more than 64,000 of its own for one. */
async function listen(): Promise<net.Server> {
  const server = net.createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  return server;
}

function connectAndClose(port: number): Promise<void> {
  return new Promise((resolve) => {
    const client = net.connect(port, '127.0.0.1', () => client.end());
    client
      .on('error', () => {})
      .on('close', () => resolve())
      .resume();
  });
}

const servers = await Promise.all(Array.from({ length: wanted / perServer }, listen));
for (const server of servers) {
  const { port } = server.address() as net.AddressInfo;
  for (let made = 0; made < perServer; made += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => connectAndClose(port)));
  }
}
for (const server of servers) server.close();
/** They expire after a minute, the first while the last are made on a machine that is busy. */
function countOfSs(): number {
  const { stdout } = spawnSync('ss', ['-Htan', 'state', 'time-wait'], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return stdout.trimEnd().split('\n').length;
}

const before = countOfSs();
const { rows, incomplete } = listConnections({ selection: { state: ['TIME_WAIT'] } });
const seen = new Set(rows.map(({ connection: { local, remote } }) => `${local.port} ${remote.port}`));
console.log(JSON.stringify({ before, listed: rows.length, different: seen.size, after: countOfSs(), incomplete }));
