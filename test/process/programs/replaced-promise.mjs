// Watches and asks peers while the global class of promises is not the real one, as with Bluebird under a fake clock.
// Argument: what has become of it.
import { once } from 'node:events';
import { explainDeath, probePeer, setKeepAlive, watchPeers } from '../../../dist/index.js';
import { crashPeer, loopbackPair } from '../../../dist/testing/index.js';

const [, , kind] = process.argv;
const [watched, asked] = [await loopbackPair(), await loopbackPair()];
for (const { client, server } of [watched, asked])
  for (const end of [client, server]) end.resume().on('error', () => {});
const watch = watchPeers({ sockets: [watched.client], policy: '1:1:2' });
const events = watch[Symbol.asyncIterator]();
crashPeer(watched.server);
crashPeer(asked.server);
// The peer has to be silent for a second before the kernel probes.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);

setKeepAlive(asked.client, '30:5:3');

if (kind === 'gone') Reflect.deleteProperty(globalThis, 'Promise');
else {
  globalThis.Promise = class NeverSettled {
    static resolve() {
      return new NeverSettled();
    }
    // biome-ignore lint/suspicious/noThenProperty: the program has a class of promises of its own.
    then() {
      return this;
    }
  };
}
const { answered } = await probePeer(asked.client, { timeout: '300ms' });
const { value: first } = await events.next();
await once(watch, 'dead');
const { reason } = explainDeath(undefined, watched.client);
process.stdout.write(JSON.stringify({ answered, first: first.type, reason }));
process.exit();
