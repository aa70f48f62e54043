import { describe, expect, it } from 'vitest';
import { program, register, start } from './registered.js';

interface AtOnce {
  readonly thrown: string[];
  readonly errors: string[];
  readonly descriptors: number;
  /** The different counts of listeners that closed sockets have. */
  readonly listeners: number[];
  readonly served: { readonly thrown: string[]; readonly isAccepted: boolean; readonly descriptors: number };
}

interface InTurn {
  readonly thrown: string[];
  readonly errors: string[];
  /** Bytes in use after a collection, and open descriptors, at each tenth of the connections. */
  readonly heaps: number[];
  readonly open: number[];
}

async function run<Seen>(options: readonly string[], how: string, total: number): Promise<Seen> {
  const launch = { options, env: { TCP_KEEPALIVE: '30:5:3' }, limitMs: 115_000 };
  const { code, stdout, stderr } = await start([program('burst.mjs'), how, String(total)], launch).ended;
  if (code !== 0) throw new Error(`burst.mjs ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

describe('many connections under register', () => {
  it('leave nothing behind when 10,000 are opened and closed in a burst', async () => {
    const plain = await run<AtOnce>([], 'at-once', 10_000);
    const enforced = await run<AtOnce>(register, 'at-once', 10_000);
    const nothing = { thrown: [], descriptors: 0 };
    expect(enforced).toMatchObject({ ...nothing, errors: [], served: { ...nothing, isAccepted: true } });
    expect(enforced.listeners, 'as many as without register').toEqual(plain.listeners);
  });

  it('need no more memory after 100,000 of them', async () => {
    const total = 100_000;
    const { thrown, errors, heaps, open } = await run<InTurn>(['--expose-gc', ...register], 'in-turn', total);
    expect({ thrown, errors }).toEqual({ thrown: [], errors: [] });
    // The first tenths compile and fill caches. A leak of anything is at least 16 bytes for each connection.
    const grown = Math.min(...heaps.slice(-3)) - Math.min(...heaps.slice(2, 5));
    expect(grown / (total / 2)).toBeLessThan(8);
    // One more or less is in the middle of being closed.
    expect(Math.max(...open) - Math.min(...open)).toBeLessThan(10);
  });
});
