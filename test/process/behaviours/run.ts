import { setTimeout as delay } from 'node:timers/promises';
import { getKeepAlive } from '../../../src/index.js';
import { behaviours } from './all.js';
import { closeLeftovers, failure, pair } from './observing.js';

/** Far above what any behaviour takes. */
const limitMs = 30_000;

/** Runs one behaviour; what it throws, also outside of its promise, is its record. */
async function recordOf(behave: () => Promise<unknown>): Promise<unknown> {
  let settle: (error: Error) => void = () => {};
  const stray = new Promise<never>((_, reject) => {
    settle = reject;
  });
  const limit = setTimeout(() => settle(new Error('it took too long')), limitMs);
  process.on('uncaughtException', settle);
  try {
    const saw = await Promise.race([behave(), stray]);
    // What it has left to be thrown is thrown soon.
    await Promise.race([delay(5), stray]);
    return { saw };
  } catch (error) {
    return { failed: failure(error) };
  } finally {
    clearTimeout(limit);
    process.off('uncaughtException', settle);
    closeLeftovers();
  }
}

const only = process.argv[2];
const records: Record<string, unknown> = {};
for (const [name, behave] of Object.entries(behaviours)) {
  if (only === undefined || name.includes(only)) records[name] = await recordOf(behave);
}
// What was compared is worth nothing where no policy was in force.
const keepAlive = (await pair()).map((socket) => getKeepAlive(socket));
closeLeftovers();
process.stdout.write(JSON.stringify({ records, keepAlive }), () => process.exit());
