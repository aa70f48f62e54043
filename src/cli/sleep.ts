import { setTimeout as wait } from 'node:timers/promises';

/** The longest delay, about 24.8 days, that a timer of Node.js takes: one that is given more runs out at once. */
const longestDelayMs = 2 ** 31 - 1;

/** Waits, also longer than a timer of Node.js can. */
export async function sleep(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= longestDelayMs) await wait(Math.min(left, longestDelayMs));
}
