import { readFileSync } from 'node:fs';
import { SystemCallError, UnsupportedError } from '../native/errors.js';
import type { SettingField } from '../policy/policy.js';
import { type KeepAliveState, settingsOf, stated } from '../policy/settings.js';
import { noOption, optionOf } from './platforms/index.js';
import { linux } from './platforms/linux.js';

/** The kernel's defaults for connections that turn keepalive on without values of their own. */
export interface KernelDefaults {
  /** `net.ipv4.tcp_keepalive_time`, in milliseconds; 7200 s unless changed. */
  readonly idle: number;
  /** `net.ipv4.tcp_keepalive_intvl`, in milliseconds; 75 s unless changed. */
  readonly interval: number;
  /** `net.ipv4.tcp_keepalive_probes`; 9 unless changed. */
  readonly count: number;
}

function readSysctl(name: string): number {
  const file = `/proc/sys/net/ipv4/${name}`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new SystemCallError(
      `open(${file})`,
      code,
      'the sysctl cannot be read; /proc must be mounted and readable',
      cause,
    );
  }
  return Number(text);
}

/**
 * Reads the three keepalive sysctls of this process's network namespace; they hold for IPv4 and IPv6 alike.
 *
 * Linux only. They turn keepalive on for nobody, and a socket with values of its own keeps those.
 *
 * @throws {UnsupportedError} elsewhere; {@link SystemCallError} if /proc cannot be read.
 * @see Linux, Documentation/networking/ip-sysctl.rst
 */
export function kernelDefaults(): KernelDefaults {
  if (process.platform !== 'linux') throw new UnsupportedError("reading the kernel's keepalive defaults", 'Linux');
  return { idle: kernelDefault('idle'), interval: kernelDefault('interval'), count: kernelDefault('count') };
}

/** Reads the number that a new socket of this network namespace has; times are in milliseconds. Linux only. */
export function kernelDefault(field: SettingField): number {
  const option = optionOf(linux, field);
  if (option === undefined) throw noOption(field);
  return option.sysctl === undefined ? 0 : readSysctl(option.sysctl) * (option.unitMs ?? 1);
}

/** Reads what a socket has that nobody has set anything on. Linux only. */
export function newSocketState(): KeepAliveState {
  const numberOf = (field: SettingField) =>
    optionOf(linux, field) === undefined ? undefined : stated(field, kernelDefault(field));
  return { enabled: false, ...settingsOf(numberOf) } as KeepAliveState;
}

/**
 * Reads `net.ipv4.tcp_retries2` of this process's network namespace: how often unacknowledged data is sent again. The
 * sysctl holds for IPv4 and IPv6 alike. Returns `null` if it cannot be read.
 *
 * @see Linux, Documentation/networking/ip-sysctl.rst
 */
export function retries2(): number | null {
  try {
    return readSysctl('tcp_retries2');
  } catch {
    return null;
  }
}
