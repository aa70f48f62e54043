import { type ProgramLoad, programLoad } from '../../wire/bpf/attributes.js';
import { assembleBpf, type BpfProgramItem } from '../../wire/bpf/instructions.js';
import { codeOfErrno, SystemCallError } from '../errors.js';
import { libc } from '../libc.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import { bpf } from './syscall.js';

/** A program to load. */
export interface BpfProgramSource extends Pick<ProgramLoad, 'name' | 'type' | 'attachType' | 'attachBtfId'> {
  readonly items: readonly BpfProgramItem[];
}

/** A licence that is compatible with the GPL, as some helpers of the kernel require (include/linux/license.h). */
const license = new TextEncoder().encode('Dual MIT/GPL\0');

const bytesPerInstruction = 8;
const verifierLogLength = 256 * 1024;
const shownLogLines = 8;
const loadAttempts = 10;

function lastLines(log: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(log.subarray(0, Math.max(0, log.indexOf(0))));
  return text.trimEnd().split('\n').slice(-shownLogLines).join('\n');
}

/** Loads a refused program again with the verifier's log. Returns the error, with the last lines of the log. */
function refusal(attributes: ProgramLoad): SystemCallError {
  const code = codeOfErrno(libc().errno());
  const log = new Uint8Array(new ArrayBuffer(verifierLogLength));
  const address = libc().addressOf(log);
  const fd = bpf('BPF_PROG_LOAD', programLoad({ ...attributes, log: { address, size: log.length } }));
  if (fd >= 0) new OwnedDescriptor(fd, 'BPF program').close();
  const lines = lastLines(log);
  const detail = `the kernel refused the program ${attributes.name}${lines === '' ? '' : `:\n${lines}`}`;
  return new SystemCallError('bpf(BPF_PROG_LOAD)', code, detail);
}

/** A program that the kernel has verified and loaded. */
export class BpfProgram extends OwnedDescriptor {
  readonly kind = 'program';

  /**
   * Loads a program.
   *
   * @throws {SystemCallError} EPERM without CAP_BPF and the capability of the program's type. EACCES or EINVAL, with the last
   * lines of the verifier's log, if the verifier refuses the program.
   */
  static load({ items, ...program }: BpfProgramSource): BpfProgram {
    const { addressOf } = libc();
    const instructions = assembleBpf(items);
    const attributes: ProgramLoad = {
      ...program,
      instructions: addressOf(instructions),
      instructionCount: instructions.length / bytesPerInstruction,
      license: addressOf(license),
    };
    const encoded = programLoad(attributes);
    let fd = bpf('BPF_PROG_LOAD', encoded);
    // The verifier stops if the thread has a signal to handle, such as a profiler's.
    for (let attempt = 1; fd < 0 && attempt < loadAttempts && codeOfErrno(libc().errno()) === 'EAGAIN'; attempt += 1) {
      fd = bpf('BPF_PROG_LOAD', encoded);
    }
    if (fd < 0) throw refusal(attributes);
    return new BpfProgram(fd, `BPF program ${program.name}`);
  }
}
