import { setTimeout as wait } from 'node:timers/promises';

/** The longest delay of a timer of Node.js, about 24.8 days: a timer with a longer delay fires at once. */
const longestDelayMs = 2 ** 31 - 1;

/** Waits for some milliseconds, even longer than a timer of Node.js can, or until the signal is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0 && !signal?.aborted; left -= longestDelayMs) {
    await wait(Math.min(left, longestDelayMs), undefined, signal && { signal }).catch(() => {});
  }
}
