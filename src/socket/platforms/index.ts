import { existsSync } from 'node:fs';
import { UnsupportedError } from '../../native/errors.js';
import type { SettingField } from '../../policy/policy.js';
import type { KeepAliveState } from '../../policy/settings.js';
import { darwin } from './darwin.js';
import { freebsd } from './freebsd.js';
import { linux } from './linux.js';
import type { Platform, SettingOption } from './platform.js';
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

const missing = new Map<SettingOption, boolean>();

/** Returns whether the kernel that runs lacks an option, or does not show the option's sysctl. */
function isMissing(option: SettingOption): boolean {
  if (option.minimumKernel === undefined) return false;
  let known = missing.get(option);
  if (known === undefined) {
    known = !existsSync(`/proc/sys/net/ipv4/${option.sysctl}`);
    missing.set(option, known);
  }
  return known;
}

/** Returns the option of a field; undefined if the platform or its kernel has none. */
export function optionOf(platform: Platform, field: keyof KeepAliveState): SettingOption | undefined {
  const option: SettingOption | undefined = field === 'enabled' ? platform.keepAlive : platform[field];
  return option === undefined || isMissing(option) ? undefined : option;
}

/** Returns the error for a number that cannot be set here. */
export function noOption(field: SettingField): UnsupportedError {
  const { minimumKernel }: SettingOption = (linux as Platform)[field] ?? linux.userTimeout;
  const requires = minimumKernel === undefined ? 'Linux' : `Linux ${minimumKernel}, and /proc`;
  return new UnsupportedError(`setting ${field}`, requires, undefined, minimumKernel);
}

export type { Platform, SettingOption } from './platform.js';
