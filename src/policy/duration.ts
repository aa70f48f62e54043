const millisecondsPer: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads a duration as milliseconds, or gives `undefined` where the text is none.
 *
 * A number without a unit is taken in `bareUnit`; without one, a unit is required.
 * The result may be fractional, negative numbers and exponents are not durations.
 */
export function readDuration(text: string, bareUnit?: 's' | 'ms'): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h)?$/.exec(text);
  const unit = match?.[2] ?? bareUnit;
  if (match === null || unit === undefined) return undefined;
  const factor = millisecondsPer[unit];
  // 1.001 * 1000 is 1000.9999999999999: nine decimals are more than any unit needs.
  return factor === undefined ? undefined : Math.round(Number(match[1]) * factor * 1e6) / 1e6;
}

/** Reads a number of milliseconds, or a duration with its unit; `undefined` for whatever is neither. */
export function readMilliseconds(given: unknown): number | undefined {
  if (typeof given === 'string') return readDuration(given);
  return typeof given === 'number' && Number.isFinite(given) ? given : undefined;
}

/** Formats milliseconds in policy text: whole seconds bare, anything else with its unit. */
export function policyDuration(ms: number): string {
  return ms % 1000 === 0 ? String(ms / 1000) : `${ms}ms`;
}

/** Formats milliseconds for a sentence: `30 s`, or `1500 ms` where it is not a whole second. */
export function spokenDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
