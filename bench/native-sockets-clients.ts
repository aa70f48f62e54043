/**
 * Holds idle connections of native code and of Node.js under a policy for the process.
 *
 * Arguments: how many of native code, how many of Node.js, to which port, and whether sockets of native code are looked
 * for. Sends how many of them have the policy once that is all, then answers each message with the share of a core that
 * it has used in so many milliseconds, in which it may open connections. Ends with its parent.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import koffi from 'koffi';
import { applyToProcess } from 'tcp-keepalive';

const [nativeCount = 0, nodeCount = 0, port = 0] = process.argv.slice(2, 5).map(Number);
const isLookedFor = process.argv[5] === 'on';
const atOnce = 200;

const library = koffi.load(null);
const socket = library.func('int socket(int, int, int)');
const close = library.func('int close(int)');
const connect = library.func('int connect(int, const void *, uint32_t)');

const policy = applyToProcess('300:5:3', { native: isLookedFor });

function connectNatively(): number {
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, 2, true);
  address.setUint16(2, port);
  address.setUint32(4, 0x7f000001);
  const fd: number = socket(2, 1, 0);
  if (connect(fd, address, 16) !== 0) throw new Error(`connect: errno ${koffi.errno()}`);
  return fd;
}

async function connectNode(): Promise<void> {
  const client = net.connect({ port, host: '127.0.0.1' }).on('error', () => {});
  await once(client, 'data');
}

for (let made = 0; made < nativeCount; made += 1) {
  connectNatively();
  if (made % atOnce === 0) await pause(5);
}
for (let made = 0; made < nodeCount; made += atOnce) {
  await Promise.all(Array.from({ length: Math.min(atOnce, nodeCount - made) }, connectNode));
}
while (isLookedFor && policy.status().native < nativeCount) await pause(100);

process.on('message', async ({ forMs, opensEveryMs }: { forMs: number; opensEveryMs?: number }) => {
  const [before, at] = [process.cpuUsage(), performance.now()];
  const opening = opensEveryMs && setInterval(() => close(connectNatively()), opensEveryMs);
  await pause(forMs);
  clearInterval(opening || undefined);
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / 1000 / (performance.now() - at));
});
process.on('disconnect', () => process.exit());
process.send?.(policy.status().native);
