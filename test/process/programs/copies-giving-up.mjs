// Two copies of the package watch the same connection, and the watch of each would destroy its socket.
// Argument: the folder of the copies.

const [, , folder] = process.argv;
const copies = await Promise.all(['0', '1'].map((copy) => import(`${folder}/${copy}/index.js`)));
const { crashPeer, loopbackPair } = await import(`${folder}/0/testing/index.js`);
const { client, server } = await loopbackPair();
for (const end of [client, server]) end.resume().on('error', () => {});
const told = [];
for (const { watchPeers } of copies) {
  const watch = watchPeers({ sockets: [client], policy: '1:1:9', deadAfter: '2s', destroy: true });
  watch.on('dead', ({ reason, decidedBy }) => told.push([reason, decidedBy]));
}
crashPeer(server);
await new Promise((resolve) => client.once('close', resolve));
await new Promise((resolve) => setTimeout(resolve, 50));
const reasons = copies.flatMap(({ explainDeath }) =>
  [explainDeath(undefined, client), explainDeath(client.errored)].map(({ reason }) => reason),
);
process.stdout.write(JSON.stringify({ told, reasons }));
process.exit();
