import { type BpfCommand, bpfCommands } from '../../wire/bpf/attributes.js';
import { UnsupportedError } from '../errors.js';
import { bpfNumber, checked, linuxCalls } from '../linux-calls.js';

/**
 * Calls bpf(2) and returns its result, which is negative if the call failed.
 *
 * @throws {UnsupportedError} if the number of the call is unknown for this architecture, and on other platforms.
 */
export function bpf(command: BpfCommand, attributes: Uint8Array): number {
  const number = bpfNumber[process.arch];
  if (number === undefined) throw new UnsupportedError('bpf(2)', `one of ${Object.keys(bpfNumber).join(', ')}`);
  return linuxCalls().bpf(number, bpfCommands[command], attributes, attributes.length);
}

/**
 * Calls bpf(2) and returns its result.
 *
 * @param subject The object of the command, for the error.
 * @throws {SystemCallError} if the call fails.
 */
export function checkedBpf(command: BpfCommand, attributes: Uint8Array, subject: string): number {
  return checked(bpf(command, attributes), `bpf(${command})`, subject);
}
