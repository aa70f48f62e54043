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

/** The verifier may run some programs only under a licence compatible with the kernel's; this is one of its names. */
const license = new TextEncoder().encode('Dual MIT/GPL\0');

const bytesPerInstruction = 8;
const verifierLogLength = 256 * 1024;
const shownLogLines = 8;
const loadAttempts = 10;

function lastLines(log: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(log.subarray(0, Math.max(0, log.indexOf(0))));
  return text.trimEnd().split('\n').slice(-shownLogLines).join('\n');
}

/** Loads a program again with the verifier's log, to learn why the kernel refused it. */
function refusal(attributes: ProgramLoad): SystemCallError {
  const code = codeOfErrno(libc().errno());
  const log = new Uint8Array(new ArrayBuffer(verifierLogLength));
  const address = libc().addressOf(log);
  const fd = bpf('BPF_PROG_LOAD', programLoad({ ...attributes, log: { address, size: log.length } }));
  if (fd >= 0) new OwnedDescriptor(fd, 'BPF program').close();
  const said = lastLines(log);
  const detail = `the kernel did not take the program ${attributes.name}${said === '' ? '' : `:\n${said}`}`;
  return new SystemCallError('bpf(BPF_PROG_LOAD)', code, detail);
}

/** A program that the kernel has verified and loaded. */
export class BpfProgram extends OwnedDescriptor {
  readonly kind = 'program';

  /**
   * Loads a program.
   *
   * @throws {SystemCallError} EPERM without CAP_BPF and the capability that the program's type needs besides, EACCES or
   * EINVAL if the verifier refuses the program, with the last lines of its log.
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
    // The verifier gives up as soon as the thread has a signal to handle, such as a profiler's.
    for (let attempt = 1; fd < 0 && attempt < loadAttempts && codeOfErrno(libc().errno()) === 'EAGAIN'; attempt += 1) {
      fd = bpf('BPF_PROG_LOAD', encoded);
    }
    if (fd < 0) throw refusal(attributes);
    return new BpfProgram(fd, `BPF program ${program.name}`);
  }
}
