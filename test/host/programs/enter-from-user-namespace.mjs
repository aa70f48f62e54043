// Tries to list the network namespace of a process, and prints in which one this program is before and after.
import { readlinkSync } from 'node:fs';
import { dumpConnections } from '../../../dist/linux.js';

const here = () => readlinkSync('/proc/thread-self/ns/net');
const before = here();
let why;
try {
  dumpConnections({ netns: Number(process.argv[2]) });
} catch (error) {
  why = error.message;
}
console.log(JSON.stringify({ before, after: here(), why }));
