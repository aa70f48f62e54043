/**
 * Plays drawn pairs side by side, in a network namespace of its own. Its argument is the tcp_retries2 of the namespace: it plays
 * the pairs that have it. Prints what was measured, by the place of each pair.
 */
import { writeFileSync } from 'node:fs';
import { hasRtoMax } from '../kernel/descriptor.js';
import { pairs } from './pairs.js';
import { type Played, play } from './play.js';

const retries2 = Number(process.argv[2]);
writeFileSync('/proc/sys/net/ipv4/tcp_retries2', String(retries2));

const played: Record<number, Played> = {};
const chosen = pairs.flatMap((pair, index) =>
  pair.retries2 === retries2 && (pair.rtoMax === undefined || hasRtoMax) ? [index] : [],
);
await Promise.all(
  chosen.map(async (index) => {
    played[index] = await play(pairs[index] as (typeof pairs)[number]);
  }),
);
console.log(JSON.stringify(played));
process.exit();
