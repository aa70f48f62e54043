/** The units, the longest first, in milliseconds. */
const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

const number = String.raw`\d{1,15}(?:\.\d{1,9})?`;

const bare = new RegExp(`^${number}$`);

/** Each unit at most once, as Go writes durations: `1h30m`, `1m0.5s`. */
const withUnits = new RegExp(
  `^${Object.keys(units)
    .map((unit) => `(?:(${number})${unit})?`)
    .join('')}$`,
);

/**
 * Reads a duration as milliseconds, or returns `undefined` if the text is no duration.
 *
 * A number without a unit is taken in `bareUnit`; without one, a unit is required. Several units follow one another, the
 * longest first. The result may be fractional, negative numbers and exponents are not durations.
 */
export function readDuration(text: string, bareUnit?: 's' | 'ms'): number | undefined {
  const parts = bareUnit !== undefined && bare.test(text) ? withUnits.exec(text + bareUnit) : withUnits.exec(text);
  if (parts === null || text === '') return undefined;
  const ms = Object.values(units).reduce((sum, factor, index) => sum + Number(parts[index + 1] ?? 0) * factor, 0);
  // 1.001 * 1000 is 1000.9999999999999: nine decimals are more than any unit needs.
  return Math.round(ms * 1e6) / 1e6;
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

/** Formats milliseconds for a sentence, rounded to tenths of a second: `32.1 s`. */
export function roundedSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** Formats milliseconds for a sentence: `30 s`, or `1500 ms` where it is not a whole second. */
export function spokenDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
