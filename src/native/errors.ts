import { constants } from 'node:os';
import { KeepAliveError } from '../policy/keep-alive-error.js';

/** Returns the errno of a name such as `'EBADF'` on this platform, negative like each `errno` of Node.js; 0 if it has none. */
export function errnoOf(code: string): number {
  const errno = (constants.errno as Readonly<Record<string, number>>)[code];
  return errno === undefined ? 0 : -errno;
}

const codesByErrno: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    // On Linux, both are second names, of EAGAIN and EOPNOTSUPP.
    .filter(([code]) => code !== 'EWOULDBLOCK' && code !== 'ENOTSUP')
    .map(([code, errno]) => [errno, code]),
);

/** Returns the name of an errno, such as `'EBADF'`. */
export function codeOfErrno(errno: number): string {
  return codesByErrno.get(errno) ?? `ERRNO_${errno}`;
}

/**
 * Thrown if the kernel refuses a call, or is certain to refuse the call.
 *
 * `syscall` names the call and its option. `code` and `errno` are the kernel's; `errno` is negative like each `errno` of
 * Node.js. The message says what was given and what is allowed.
 */
export class SystemCallError extends KeepAliveError {
  override readonly name = 'SystemCallError';
  readonly syscall: string;
  readonly code: string;
  readonly errno: number;

  constructor(syscall: string, code: string, detail: string, cause?: unknown) {
    super(`${syscall}: ${code}, ${detail}`, cause === undefined ? undefined : { cause });
    this.syscall = syscall;
    this.code = code;
    this.errno = errnoOf(code);
  }
}

/** Returns the name and version of the runtime: Bun and Deno report a version of Node.js too. */
function runtime(): string {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${process.version}` : `Deno ${deno}`;
}

/**
 * Thrown if this platform, this version of Node.js or this kind of target lacks a feature. Nothing has been changed.
 *
 * `feature` names the feature, `platform` the platform and runtime of this process, `requires` the missing requirement.
 */
export class UnsupportedError extends KeepAliveError {
  override readonly name = 'UnsupportedError';
  readonly code = 'ERR_KEEPALIVE_UNSUPPORTED';
  readonly feature: string;
  readonly platform: string;
  readonly requires: string;
  /** The first version of Linux with the feature, such as `'6.15'`, if an older kernel is the reason. */
  readonly minimumKernel?: string;

  /** @internal */
  constructor(feature: string, requires: string, cause?: unknown, minimumKernel?: string) {
    const platform = `${process.platform}-${process.arch}, ${runtime()}`;
    super(
      `${feature} is not supported here (${platform}): it requires ${requires}`,
      cause === undefined ? undefined : { cause },
    );
    this.feature = feature;
    this.platform = platform;
    this.requires = requires;
    if (minimumKernel !== undefined) this.minimumKernel = minimumKernel;
  }
}
