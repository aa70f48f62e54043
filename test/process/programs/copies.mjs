/**
 * Evaluates copies of the package, each with a policy, and prints what a connection then has, and how many frames of the
 * package lie between a call of `setKeepAlive` and Node's own methods.
 *
 * node copies.mjs <folder of the copies> <count> <register | apply | both>
 */
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const [folder, count, mode] = process.argv.slice(2);
const copies = Array.from({ length: Number(count) }, (_, copy) => copy);
const depths = [];

/** Has the depth of the stack be noted at each call of a method. */
function note(prototype, method, index) {
  const original = prototype[method];
  prototype[method] = function noted(...args) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 200;
    depths[index] = new Error().stack.split('\n').filter((line) => line.includes(fileURLToPath(folder))).length;
    Error.stackTraceLimit = stackTraceLimit;
    return Reflect.apply(original, this, args);
  };
}

async function pair() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  return { client, accepted, server };
}

const first = await pair();
note(net.Socket.prototype, 'setKeepAlive', 0);
const { _handle: handle } = first.client;
note(Object.getPrototypeOf(handle), 'connect', 1);

const policies = [];
for (const copy of copies) {
  if (mode !== 'apply') await import(`${folder}/${copy}/process/register.js`);
  else {
    const { applyToProcess } = await import(`${folder}/${copy}/index.js`);
    policies.push(applyToProcess(`${copy + 10}:5:3`));
  }
}
const { getKeepAlive } = await import(`${folder}/0/index.js`);
const { setKeepAlive } = await import(`${folder}/${copies.length - 1}/index.js`);

async function see() {
  const { client, accepted, server } = await pair();
  const idles = [client, accepted].map((socket) => getKeepAlive(socket).idle);
  if (mode === 'both') setKeepAlive(client, '99:5:3');
  client.setKeepAlive(true, 50_000);
  idles.push(getKeepAlive(client).idle);
  for (const end of [client, accepted, server]) end.destroy?.() ?? end.close();
  return { depths: [...depths], idles, listeners: process.listenerCount('internalMessage') };
}

const during = await see();
for (const policy of policies.slice(1).reverse()) policy.close();
const after = await see();
process.stdout.write(JSON.stringify({ during, after }), () => process.exit());
