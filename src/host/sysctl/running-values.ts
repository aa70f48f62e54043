import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import type { KernelDefaults } from '../../socket/kernel-defaults.js';
import { attempt } from './failed-call.js';
import { type KeepAliveSysctl, keepAliveSysctls, numberOfValue } from './keys.js';

/** Where the kernel shows a sysctl of the caller's network namespace. */
export function procFile(root: string, sysctl: KeepAliveSysctl): string {
  return path.join(root, 'proc/sys', sysctl.path);
}

function readRaw(root: string, sysctl: KeepAliveSysctl): number {
  const file = procFile(root, sysctl);
  const text = attempt('read', file, () => readFileSync(file, 'utf8'));
  const value = numberOfValue(text.trim());
  if (value === undefined) throw new SystemCallError(`read(${file})`, 'EINVAL', 'it holds no number');
  return value;
}

/** The number that stands for a field's value in the kernel's file. */
export function kernelNumber(sysctl: KeepAliveSysctl, defaults: KernelDefaults): number {
  return defaults[sysctl.field] / (sysctl.unitMs ?? 1);
}

/** Reads the kernel's values of the caller's network namespace. */
export function readRunningValues(root: string): KernelDefaults {
  if (process.platform !== 'linux') throw new UnsupportedError("reading the kernel's keepalive defaults", 'Linux');
  const values = { idle: 0, interval: 0, count: 0 };
  for (const sysctl of keepAliveSysctls) values[sysctl.field] = readRaw(root, sysctl) * (sysctl.unitMs ?? 1);
  return values;
}

function write(root: string, sysctl: KeepAliveSysctl, defaults: KernelDefaults): void {
  const file = procFile(root, sysctl);
  const value = kernelNumber(sysctl, defaults);
  if (readRaw(root, sysctl) === value) return;
  attempt('write', file, () => writeFileSync(file, `${value}\n`, { flag: 'r+' }));
  const inForce = readRaw(root, sysctl);
  if (inForce === value) return;
  throw new SystemCallError(`write(${file})`, 'EINVAL', `it was given ${value}, and holds ${inForce}`);
}

/**
 * Returns the actions that write each value to the kernel and read it back.
 *
 * Each throws a {@link SystemCallError} that names the file.
 */
export function runningValueWrites(root: string, values: KernelDefaults): (() => void)[] {
  return keepAliveSysctls.map((sysctl) => () => write(root, sysctl, values));
}
