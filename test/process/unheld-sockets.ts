/**
 * Watches an idle connection whose sockets do not keep the process alive, and destroyed ones that nobody else refers to.
 * Prints what is left when the process ends, which it does by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { watchPeers } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';

export interface UnheldResult {
  readonly dropped: number;
  /** Of these, sockets that are still in memory after they were destroyed and let go of. */
  readonly notCollected: number;
  readonly sizeAtEnd: number;
  /** How long the event loop waited for something after the last thing that the program did. */
  readonly waitedMs: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const count = 50;
const watch = watchPeers({ sockets: [], policy: '1:1:3', deadAfter: '2s' });

/** In a function of its own, so that nothing on the stack refers to the sockets. */
async function watchAndDrop(): Promise<WeakRef<object>[]> {
  const pairs = await Promise.all(Array.from({ length: count }, () => loopbackPair()));
  for (const { client } of pairs) watch.add(client);
  const references = pairs.map(({ client }) => new WeakRef<object>(client));
  for (const pair of pairs) pair.close();
  return references;
}

const references = await watchAndDrop();
for (let pass = 0; pass < 10; pass += 1) {
  await sleep(20);
  collectGarbage();
}
const notCollected = references.filter((reference) => reference.deref() !== undefined).length;

const pair = await loopbackPair();
for (const end of [pair.client, pair.server]) end.unref();
watch.add(pair.client);
const done = performance.eventLoopUtilization();
process.on('exit', () => {
  const { idle: waitedMs } = performance.eventLoopUtilization(done);
  const result: UnheldResult = { dropped: count, notCollected, sizeAtEnd: watch.size, waitedMs };
  console.log(JSON.stringify(result));
});
