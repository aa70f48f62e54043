import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { ManyConnectionsResult } from './many-connections.js';

const program = new URL('./many-connections.ts', import.meta.url);
const connections = 5000;

/** include/uapi/asm-generic/fcntl.h */
const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;

// Node.js raises its soft limit to the hard one when it starts.
const limit = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
const tooFew = Number(limit ?? Number.POSITIVE_INFINITY) < 2 * connections + 100;

describe('article 6: the descriptor is reached without making the socket blocking', () => {
  it.skipIf(cannotRun(tooFew, `a process may open only ${limit} files here`)).for([
    { where: 'each', title: 'set on each of 5,000' },
    { where: 'listener', title: 'inherited by 5,000' },
  ])('and threads and descriptors do not multiply ($title)', async ({ where }) => {
    const result = await runProgram<ManyConnectionsResult>(program, [where, String(connections)]);
    expect(result.accepted).toBe(connections);
    expect(result.withPolicy).toBe(connections);

    expect(result.flagsBefore).toEqual([O_RDWR | O_NONBLOCK]);
    expect(result.flagsAfter).toEqual([O_RDWR | O_NONBLOCK]);
    expect(result.listenerFlagsBefore).toBe(O_RDWR | O_NONBLOCK);
    expect(result.listenerFlagsAfter).toBe(O_RDWR | O_NONBLOCK);

    const { before, during, after } = result;
    // A busy machine ends a thread of the loader late: fewer are none too many.
    expect(during.threads).toBeLessThanOrEqual(before.threads);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    expect(during.descriptors).toBe(before.descriptors + 2 * connections);
    expect(after.descriptors).toBe(before.descriptors);
  });
});
