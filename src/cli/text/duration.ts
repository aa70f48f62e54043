const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/**
 * Says a duration in its two largest units, rounded down: `2 h 11 min`, `1 min 5 s`, `12 s`; below a second `250 ms`,
 * below ten with a decimal, `2.5 s`.
 */
export function humanDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms < 1000) return `${Math.floor(ms)} ms`;
  if (ms < 10_000) return `${Math.floor(ms / 100) / 10} s`;
  const largest = units.findIndex(([, length]) => ms >= length);
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, length] of units.slice(largest, largest + 2)) {
    const amount = Math.floor(rest / length);
    if (amount > 0) parts.push(`${amount} ${unit}`);
    rest -= amount * length;
  }
  return parts.join(' ');
}

/** Returns a duration as {@link humanDuration} does, but for a lower bound, which can be a jiffy short of the whole number meant. */
export function earliestDuration(ms: number): string {
  return humanDuration(Math.round(ms / 100) * 100);
}

/** Returns a duration as {@link humanDuration} does, rounded up: for an upper bound. */
export function longestDuration(ms: number): string {
  const unit = ms < 10_000 ? 100 : ms < 3_600_000 ? 1000 : ms < 86_400_000 ? 60_000 : 3_600_000;
  return humanDuration(Math.ceil(ms / unit) * unit);
}

/** Below this, bounds have tenths of a second. */
const tenthsBelowMs = 100_000;

/** Says a lower bound: `19.9 s`, `5 min 50 s`. */
export function lowerBound(ms: number): string {
  return ms < tenthsBelowMs ? `${Math.floor(ms / 100) / 10} s` : humanDuration(ms);
}

/** Says an upper bound: `32.1 s`, `6 min 21 s`. */
export function upperBound(ms: number): string {
  return ms < tenthsBelowMs ? `${Math.ceil(ms / 100) / 10} s` : longestDuration(ms);
}
