import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { article } from '../kernel/descriptor.js';

const program = fileURLToPath(new URL('programs/cluster.mjs', import.meta.url));

async function report(scheduling: 'none' | 'rr'): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, scheduling], { timeout: 60_000 });
  return JSON.parse(stdout);
}

describe('a server in a cluster worker', () => {
  it('hands the policy on when it accepts from the shared listener itself', async () => {
    expect(await report('none')).toEqual({
      pending: { ...article, status: 'pending' },
      listening: { ...article, connections: 'inherited' },
      asked: article,
      connection: article,
      listeners: 0,
    });
  });

  it('sets it on accept when the primary hands connections out', async () => {
    const setOnAccept = { ...article, connections: 'set-on-accept' };
    expect(await report('rr')).toEqual({
      pending: { ...article, status: 'pending' },
      listening: setOnAccept,
      asked: setOnAccept,
      connection: article,
      listeners: 0,
    });
  });
});
