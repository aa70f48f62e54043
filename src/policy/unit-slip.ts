/**
 * Slips of unit. A number in the API is milliseconds, a number in text is seconds. A number that makes sense only in the
 * other unit is refused with a hint, unless its unit is spelled out.
 */

/** Returns the hint for a number of milliseconds that is too small to make sense; `undefined` for any other value. */
export function secondsMeant(given: unknown, leastMs: number): string | undefined {
  if (typeof given !== 'number' || !(given > 0 && given < leastMs)) return undefined;
  return `did you mean '${given}s'? A number is milliseconds`;
}

/** People who think in seconds write 900, 1800, 3600 or 7200: whole thousands are milliseconds. */
function isThousands(text: string): boolean {
  return /^[1-9]\d*000$/.test(text);
}

const inSeconds = (text: string) => (isThousands(text) ? `${text.slice(0, -3)}s` : text);

const secondsHint = (meant: string) =>
  `did you mean '${meant}'? A number in text is seconds; with its unit it is taken as it is`;

/** Returns the hint for a number in text that looks like milliseconds; `undefined` for any other text. */
export function millisecondsMeant(text: string): string | undefined {
  return isThousands(text) ? secondsHint(inSeconds(text)) : undefined;
}

/** Returns the hint for policy text whose idle time and interval both look like milliseconds; else `undefined`. */
export function policyMillisecondsMeant(policy: string): string | undefined {
  const fields = policy.split(':');
  return fields.slice(0, 2).every(isThousands) ? secondsHint(fields.map(inSeconds).join(':')) : undefined;
}

/** A user timeout this many times as long as keepalive's own detection would last hours. */
const muchLonger = 100;

/** Like {@link millisecondsMeant}, for a user timeout in policy text; keepalive alone detects in `detectionMs`. */
export function userTimeoutMillisecondsMeant(text: string, detectionMs: number): string | undefined {
  return Number(text) * 1000 >= muchLonger * detectionMs ? millisecondsMeant(text) : undefined;
}
