import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { OptionsCheck } from '../policy/options-check.js';
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

/** Where to look instead of the machine's own files: for tests, images and containers. */
export interface RootOption {
  /**
   * The directory that stands for `/`.
   *
   * @default '/'
   */
  readonly root?: string;
}

/** One of the sysctls that hold the kernel's keepalive defaults. */
export interface KeepAliveSysctl {
  readonly field: keyof KernelDefaults;
  /** As sysctl(8) writes it. */
  readonly key: string;
  /** The milliseconds of the sysctl's unit; 1 for a plain number. */
  readonly unit: 1000 | 1;
  /** What a network namespace starts with: include/net/tcp.h, TCP_KEEPALIVE_TIME, _INTVL and _PROBES. */
  readonly builtIn: number;
}

export const keepAliveSysctls: readonly KeepAliveSysctl[] = [
  { field: 'idle', key: 'net.ipv4.tcp_keepalive_time', unit: 1000, builtIn: 7200 },
  { field: 'interval', key: 'net.ipv4.tcp_keepalive_intvl', unit: 1000, builtIn: 75 },
  { field: 'count', key: 'net.ipv4.tcp_keepalive_probes', unit: 1, builtIn: 9 },
];

/** Returns where the kernel shows a sysctl of the caller's network namespace. */
export function sysctlFile(key: string, root = '/'): string {
  return path.join(root, 'proc/sys', key.replaceAll('.', '/'));
}

/** Returns the number in a sysctl of the caller's network namespace. */
export function readSysctl(key: string, root?: string): number {
  const file = sysctlFile(key, root);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    const detail = 'the sysctl cannot be read; /proc must be mounted and readable';
    throw new SystemCallError(`read(${file})`, code, detail, cause);
  }
  if (!/^-?\d+\s*$/.test(text)) throw new SystemCallError(`read(${file})`, 'EINVAL', 'it holds no number');
  return Number(text);
}

/** Returns the number that a sysctl has when a field has the value of the defaults. */
export function sysctlNumber({ field, unit }: KeepAliveSysctl, defaults: KernelDefaults): number {
  return defaults[field] / unit;
}

/** @throws {UnsupportedError} if the platform is not Linux. */
function assertLinux(): void {
  if (process.platform !== 'linux') throw new UnsupportedError("reading the kernel's keepalive defaults", 'Linux');
}

/**
 * Reads the three keepalive sysctls of the caller's network namespace, times in milliseconds. They hold for IPv4 and IPv6
 * alike. They turn keepalive on for no socket, and a socket with values of its own keeps those.
 *
 * The values are the kernel's, which also takes values that no socket does: 0, and in old kernels -1. Blocks for three reads of /proc,
 * some 30 us. Linux.
 *
 * @example
 * kernelDefaults(); // { idle: 7200000, interval: 75000, count: 9 }
 * @throws {UnsupportedError} if the platform is not Linux.
 * @throws {SystemCallError} if /proc cannot be read.
 * @throws {ConfigurationError} if an option is unknown or of a wrong type.
 * @see Linux, Documentation/networking/ip-sysctl.rst
 */
export function kernelDefaults(options: RootOption = {}): KernelDefaults {
  new OptionsCheck('kernelDefaults', options, ['root']).texts('root');
  assertLinux();
  const defaults = { idle: 0, interval: 0, count: 0 };
  for (const { field, key, unit } of keepAliveSysctls) defaults[field] = readSysctl(key, options.root) * unit;
  return defaults;
}

/**
 * Reads the number that a new socket of this network namespace has; times are in milliseconds.
 *
 * @throws {UnsupportedError} if the number comes from a sysctl of Linux, and the platform is another.
 */
export function kernelDefault(field: SettingField): number {
  const option = optionOf(linux, field);
  if (option === undefined) throw noOption(field);
  if (option.sysctl === undefined) return 0;
  assertLinux();
  return readSysctl(`net.ipv4.${option.sysctl}`) * (option.unitMs ?? 1);
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
    return readSysctl('net.ipv4.tcp_retries2');
  } catch {
    return null;
  }
}
