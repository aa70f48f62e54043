/** One of the three sysctls that hold the kernel's keepalive defaults. */
export interface KeepAliveSysctl {
  readonly field: 'idle' | 'interval' | 'count';
  /** As sysctl(8) writes it. */
  readonly key: string;
  /** Below /proc/sys. */
  readonly path: string;
  /** How many milliseconds one unit of the file is; `undefined` for a plain number. */
  readonly unitMs: 1000 | undefined;
  /** What a network namespace starts with: include/net/tcp.h, TCP_KEEPALIVE_TIME, _INTVL and _PROBES. */
  readonly builtIn: number;
}

export const keepAliveSysctls: readonly KeepAliveSysctl[] = [
  sysctl('idle', 'tcp_keepalive_time', 1000, 7200),
  sysctl('interval', 'tcp_keepalive_intvl', 1000, 75),
  sysctl('count', 'tcp_keepalive_probes', undefined, 9),
];

function sysctl(field: KeepAliveSysctl['field'], name: string, unitMs: 1000 | undefined, builtIn: number) {
  return { field, key: `net.ipv4.${name}`, path: `net/ipv4/${name}`, unitMs, builtIn };
}

/**
 * The path below /proc/sys that a key of a configuration file means.
 *
 * Where the first separator is a dot, dots and slashes change places; where it is a slash, the key is a path already
 * (sysctl.d(5)).
 */
export function pathOfKey(key: string): string {
  const startsWithDot = /[/.]/.exec(key)?.[0] === '.';
  const path = startsWithDot ? key.replace(/[/.]/g, (separator) => (separator === '.' ? '/' : '.')) : key;
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/**
 * The number that the kernel reads from a value, `undefined` where it would refuse it.
 *
 * It is in C's notation, so `010` is 8, and what follows a blank is not read (kernel/sysctl.c, proc_get_long).
 */
export function numberOfValue(value: string): number | undefined {
  const match = /^(-?)(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)(?:\s|$)/.exec(value);
  if (match === null) return undefined;
  const [, sign, digits = ''] = match;
  const isOctal = digits.length > 1 && /^0\d/.test(digits);
  const magnitude = Number(isOctal ? `0o${digits.slice(1)}` : digits);
  return sign === '-' ? -magnitude : magnitude;
}
