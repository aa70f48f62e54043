import { UnsupportedError } from '../../native/errors.js';
import { darwin } from './darwin.js';
import { freebsd } from './freebsd.js';
import { linux } from './linux.js';
import type { Platform } from './platform.js';
import { windows } from './windows.js';

const platforms: readonly Platform[] = [linux, darwin, freebsd, windows];

/**
 * The option table of a platform.
 *
 * @throws {UnsupportedError} if the platform has none.
 */
export function platformNamed(name: string): Platform {
  const platform = platforms.find((candidate) => candidate.name === name);
  if (platform !== undefined) return platform;
  throw new UnsupportedError(`TCP keepalive on ${name}`, 'Linux, macOS, FreeBSD or Windows');
}

let current: Platform | undefined;

/** The option table of the platform this process runs on. */
export function currentPlatform(): Platform {
  current ??= platformNamed(process.platform);
  return current;
}

export type { Platform } from './platform.js';
