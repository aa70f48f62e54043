/** Leaves a lossy path and a crashed peer behind: nothing of them may keep the process alive. */
import { crashPeer, loopbackPair, lossyPath } from '../../src/testing/index.js';

const { client, server } = await loopbackPair();
client.unref();
server.unref();
const { method } = lossyPath(server, { loss: 0.5, method: 'outages', slotMs: 10 });
crashPeer(client);
console.log(JSON.stringify({ method }));
