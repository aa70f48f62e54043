import { codeOfErrno, SystemCallError, UnsupportedError } from './errors.js';
import { libc } from './libc.js';
import { bpfNumber, checked, linuxCalls } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';

/** Commands of bpf(2), from include/uapi/linux/bpf.h; BPF_LINK_CREATE since 5.7, BPF_ITER_CREATE since 5.8. */
const BPF_MAP_CREATE = 0;
const BPF_PROG_LOAD = 5;
const BPF_MAP_UPDATE_BATCH = 26;
const BPF_LINK_CREATE = 28;
const BPF_ITER_CREATE = 33;

/** As much of `union bpf_attr` as is used here; the kernel takes what is left out as zero. */
const attributesLength = 128;
const nameLength = 16;

/** The verifier may run some programs only under a licence compatible with the kernel's; this is one of its names. */
const license = new TextEncoder().encode('Dual MIT/GPL\0');

class Attributes {
  readonly bytes = new Uint8Array(new ArrayBuffer(attributesLength));
  readonly #view = new DataView(this.bytes.buffer);

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  address(offset: number, memory: Uint8Array): this {
    this.#view.setBigUint64(offset, libc().addressOf(memory), true);
    return this;
  }

  /** A name of letters, digits and underscores, for `bpftool` to show. */
  name(offset: number, name: string): this {
    this.bytes.set(new TextEncoder().encode(name).subarray(0, nameLength - 1), offset);
    return this;
  }
}

function bpf(command: number, { bytes }: Attributes): number {
  const number = bpfNumber[process.arch];
  if (number === undefined) throw new UnsupportedError('bpf(2)', `one of ${Object.keys(bpfNumber).join(', ')}`);
  return linuxCalls().bpf(number, command, bytes, bytes.length);
}

export interface BpfProgram {
  /** At most 15 letters, digits and underscores. */
  readonly name: string;
  /** BPF_PROG_TYPE_... */
  readonly type: number;
  /** The attach type that the kernel expects when it verifies the program. */
  readonly attachType: number;
  /** The kernel's function that the program is for, by its id in the kernel's type information. */
  readonly attachBtfId?: number;
  readonly instructions: Uint8Array;
}

const verifierLogLength = 256 * 1024;
const shownLogLines = 8;
const loadAttempts = 10;

function lastLines(log: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(log.subarray(0, Math.max(0, log.indexOf(0))));
  return text.trimEnd().split('\n').slice(-shownLogLines).join('\n');
}

function programAttributes({ name, type, attachType, attachBtfId, instructions }: BpfProgram): Attributes {
  return new Attributes()
    .u32(0, type)
    .u32(4, instructions.length / 8)
    .address(8, instructions)
    .address(16, license)
    .name(48, name)
    .u32(68, attachType)
    .u32(108, attachBtfId ?? 0);
}

/** Returns why a program was refused, from a second attempt that has the verifier explain itself. */
function refusal(program: BpfProgram, attributes: Attributes): SystemCallError {
  const code = codeOfErrno(libc().errno());
  const log = new Uint8Array(verifierLogLength);
  const fd = bpf(BPF_PROG_LOAD, attributes.u32(24, 1).u32(28, log.length).address(32, log));
  if (fd >= 0) new OwnedDescriptor(fd, 'BPF program').close();
  const said = lastLines(log);
  const detail = `the kernel did not take the program ${program.name}${said === '' ? '' : `:\n${said}`}`;
  return new SystemCallError('bpf(BPF_PROG_LOAD)', code, detail);
}

/**
 * Has the kernel verify and load a program.
 *
 * @throws {SystemCallError} EPERM without CAP_BPF and what its type needs besides, EACCES or EINVAL for a program that
 * the verifier refuses, with the last lines of what it says.
 */
export function loadBpfProgram(program: BpfProgram): OwnedDescriptor {
  const attributes = programAttributes(program);
  let fd = bpf(BPF_PROG_LOAD, attributes);
  // The verifier gives up as soon as the thread has a signal to handle, such as a profiler's.
  for (let attempt = 1; fd < 0 && attempt < loadAttempts && codeOfErrno(libc().errno()) === 'EAGAIN'; attempt += 1) {
    fd = bpf(BPF_PROG_LOAD, attributes);
  }
  if (fd < 0) throw refusal(program, attributes);
  return new OwnedDescriptor(fd, `BPF program ${program.name}`);
}

export interface BpfMap {
  readonly name: string;
  /** BPF_MAP_TYPE_... */
  readonly type: number;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly maxEntries: number;
}

/** Makes a map, which programs and their loader share. */
export function createBpfMap({ name, type, keyLength, valueLength, maxEntries }: BpfMap): OwnedDescriptor {
  const attributes = new Attributes().u32(0, type).u32(4, keyLength).u32(8, valueLength).u32(12, maxEntries);
  const fd = checked(bpf(BPF_MAP_CREATE, attributes.name(28, name)), 'bpf(BPF_MAP_CREATE)', `the map ${name}`);
  return new OwnedDescriptor(fd, `BPF map ${name}`);
}

/** Sets `count` entries of a map in one call (since 5.6): keys and values lie one after the other. */
export function updateBpfMap(map: OwnedDescriptor, keys: Uint8Array, values: Uint8Array, count: number): void {
  const attributes = new Attributes().address(16, keys).address(24, values).u32(32, count).u32(36, map.fd);
  checked(bpf(BPF_MAP_UPDATE_BATCH, attributes), 'bpf(BPF_MAP_UPDATE_BATCH)', `${count} entries`);
}

/** Attaches a program for as long as the descriptor is open. `target` is what to attach to, where there is one. */
export function linkBpfProgram(
  program: OwnedDescriptor,
  attachType: number,
  target?: OwnedDescriptor,
): OwnedDescriptor {
  const attributes = new Attributes()
    .u32(0, program.fd)
    .u32(4, target?.fd ?? 0)
    .u32(8, attachType);
  const fd = checked(bpf(BPF_LINK_CREATE, attributes), 'bpf(BPF_LINK_CREATE)', `attach type ${attachType}`);
  return new OwnedDescriptor(fd, 'BPF link');
}

/** Opens an iterator: reading it runs the linked program, and gives what the program writes. */
export function openBpfIterator(link: OwnedDescriptor): OwnedDescriptor {
  const fd = checked(bpf(BPF_ITER_CREATE, new Attributes().u32(0, link.fd)), 'bpf(BPF_ITER_CREATE)', 'an iterator');
  return new OwnedDescriptor(fd, 'BPF iterator');
}

/** Reads up to the length of `buffer`; 0 is the end. */
export function readBpfIterator(iterator: OwnedDescriptor, buffer: Uint8Array): number {
  for (;;) {
    const count = linuxCalls().read(iterator.fd, buffer, buffer.length);
    const code = count < 0 ? codeOfErrno(libc().errno()) : undefined;
    // After each million objects for which the program wrote nothing, the kernel has itself be asked to go on; EINTR is
    // a signal that came before it had begun.
    if (code === 'EAGAIN' || code === 'EINTR') continue;
    return checked(count, 'read(BPF iterator)', 'the iteration stopped');
  }
}
