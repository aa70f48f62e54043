import { expect, it } from 'vitest';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';

interface Counts {
  /** As ss has them, before and after. */
  readonly before: number;
  readonly after: number;
  readonly listed: number;
  /** With different ports. */
  readonly different: number;
}

const network = ownNetwork();
const missing = cannotRun(network === undefined || process.getuid?.() !== 0, 'more TIME_WAIT than usual takes root');

it.skipIf(missing)('200,000 connections are listed, each once, as ss has them', async () => {
  const program = new URL('large-dump.ts', import.meta.url);
  const prefix = ['nice', '-n', '5', ...(network ?? [])];
  const counts = await runProgram<Counts>(program, [], prefix, 110_000);
  expect(counts).toMatchObject({ different: counts.listed, incomplete: [] });
  expect(counts.listed).toBeLessThanOrEqual(counts.before);
  expect(counts.listed).toBeGreaterThanOrEqual(counts.after);
  expect(counts.listed).toBeGreaterThan(150_000);
});
