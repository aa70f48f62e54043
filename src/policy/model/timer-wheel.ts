/**
 * How late the Linux timer wheel may be: never early, and late by at most one slot of the level a delay falls into.
 *
 * From kernel/time/timer.c (since 4.8): slots of level n are 8^n jiffies wide, and level n holds delays from
 * 63 x 8^(n-1) jiffies on:
 *
 *     #define LVL_START(n) ((LVL_SIZE - 1) << (((n) - 1) * LVL_CLK_SHIFT))
 *
 * which makes the worst case 8/63, the "12.5 %" of that file's own comment.
 */
const smallestLevelDelay = 63;

/** The slots of the last level: LVL_DEPTH is 9. */
const widestSlot = 8 ** 8;

/** The values of CONFIG_HZ that kernels are built with. */
export const kernelHz = [100, 250, 300, 1000] as const;

/** The length of one jiffy in milliseconds. */
export function jiffyMs(hz: number): number {
  return 1000 / hz;
}

/** The most by which a timer of `delayMs` can be late, in milliseconds, on a kernel built with `hz`. */
export function timerLatenessMs(delayMs: number, hz: number): number {
  const jiffies = Math.ceil((delayMs * hz) / 1000);
  let slot = 1;
  while (slot < widestSlot && jiffies >= smallestLevelDelay * slot) slot *= 8;
  return slot * jiffyMs(hz);
}
