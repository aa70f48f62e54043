// Two copies of the package, and another process, ask and watch the same connections at random moments.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [distribution, otherDistribution] = process.argv.slice(2);
const copies = [await import(distribution), await import(otherDistribution)];
const { getKeepAlive, setKeepAlive } = copies[0];
const { crashPeer, loopbackPair } = await import(new URL('testing/index.js', distribution).href);

// None ends a connection whose peer is away for less than 5 s, also where a busy machine takes its time.
const policies = ['30:5:3', '30:5:3:auto', '5:1:9', '6:5:2', '1:1:10', '8:5:10:9', '600:75:9'];
const askedForMs = 6000;
const random = (ms) => Math.random() * ms;

async function watchAtRandom(client, { watchPeers }, deadWithin) {
  await sleep(random(2500));
  const watch = watchPeers({ sockets: [client], deadWithin });
  await sleep(random(2500));
  if (Math.random() < 0.5) watch.close();
  else watch.delete(client);
  watch.close();
}

async function askAtRandom(client, { probePeer }) {
  for (const until = performance.now() + askedForMs - 1000; performance.now() < until; ) {
    await sleep(random(400));
    if (!client.destroyed) await probePeer(client, { timeout: 100 });
  }
}

async function play(index) {
  const { client, server, close } = await loopbackPair();
  const told = { errors: [], awayMs: 0 };
  client.on('error', (error) => told.errors.push(error.code)).resume();
  server.on('error', () => {}).resume();
  const policy = policies[index % policies.length];
  setKeepAlive(client, policy);
  const before = getKeepAlive(client);
  const ended = Promise.all([
    ...copies.map((copy) => watchAtRandom(client, copy, index % 2 ? '1.5s' : '5s')),
    watchAtRandom(client, copies[index % 2], '2s'),
    ...copies.map((copy) => askAtRandom(client, copy)),
    (async () => {
      // Shorter than any policy and watch allows; some peers are there all the time.
      if (index % 3 === 0) return;
      await sleep(random(4000));
      const crashed = crashPeer(server);
      const crashedAt = performance.now();
      await sleep(random(700));
      crashed.revive();
      told.awayMs = performance.now() - crashedAt;
    })(),
  ]);
  return { policy, client, before, told, ended, close };
}

const plays = await Promise.all(Array.from({ length: 60 }, (_, index) => play(index)));
// It has copies of some of these connections.
const shared = plays.slice(0, 14).map(({ client }) => client);
const asker = fileURLToPath(new URL('../../socket/programs/asker.mjs', import.meta.url));
const child = spawn(
  process.execPath,
  [asker, distribution, 'probe', 'exit', String(askedForMs), String(shared.length)],
  {
    stdio: ['ignore', 'ignore', 'inherit', ...shared],
  },
);
await Promise.all([once(child, 'exit'), ...plays.map(({ ended }) => ended)]);

// What waits for an answer is set once the peer has given one.
for (const { client } of plays) client.write('.');
const state = ({ client }) => (client.destroyed ? 'destroyed' : JSON.stringify(getKeepAlive(client)));
const differs = (each) => state(each) !== JSON.stringify(each.before);
for (const until = performance.now() + 10_000; plays.some(differs) && performance.now() < until; ) await sleep(100);
const different = plays.filter(differs).map((each) => [each.policy, state(each), each.told]);
console.log(JSON.stringify({ connections: plays.length, different }));
process.exit();
