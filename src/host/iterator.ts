import { readFileSync, statSync } from 'node:fs';
import { type BpfProgram, linkBpfProgram, loadBpfProgram, openBpfIterator, readBpfIterator } from '../native/bpf.js';
import { UnsupportedError } from '../native/errors.js';
import { mapKernelFile } from '../native/file-mapping.js';
import type { OwnedDescriptor } from '../native/owned-descriptor.js';
import { assembleBpf, type BpfProgramItem } from '../wire/bpf-instructions.js';
import { BtfTypes } from '../wire/btf.js';

/** include/uapi/linux/bpf.h */
const BPF_PROG_TYPE_TRACING = 26;
const BPF_TRACE_ITER = 28;

/** The kernel's type information, since 5.4 where it is built with CONFIG_DEBUG_INFO_BTF. */
const typeInformation = '/sys/kernel/btf/vmlinux';

let types: BtfTypes | undefined;

/** The file is read 4 KiB at a time (fs/kernfs/file.c), which takes longer than mapping it; that works since 6.16. */
function readTypeInformation(): Uint8Array {
  return mapKernelFile(typeInformation, statSync(typeInformation).size) ?? readFileSync(typeInformation);
}

/**
 * The types of the running kernel, read once.
 *
 * @throws {UnsupportedError} if the kernel does not give them.
 */
export function kernelTypes(): BtfTypes {
  if (types !== undefined) return types;
  const requires = `the kernel's type information, ${typeInformation} (CONFIG_DEBUG_INFO_BTF), which cannot be read`;
  try {
    types = BtfTypes.read(readTypeInformation());
  } catch (cause) {
    throw new UnsupportedError('a BPF iterator', requires, cause);
  }
  if (types === undefined) throw new UnsupportedError('a BPF iterator', requires);
  return types;
}

/** Returns whether they have been read, so that asking for them costs nothing. */
export function hasKernelTypes(): boolean {
  return types !== undefined;
}

/** A program that the kernel runs for each of its objects of a kind. */
export interface IteratorProgram {
  /** At most 15 letters, digits and underscores. */
  readonly name: string;
  /** The id of the iterator's function in the kernel's type information. */
  readonly functionId: number;
  readonly items: readonly BpfProgramItem[];
}

/** Loads a program for an iterator and gives the link to open iterators by. */
export function linkIterator({ name, functionId, items }: IteratorProgram): OwnedDescriptor {
  const spec: BpfProgram = {
    name,
    type: BPF_PROG_TYPE_TRACING,
    attachType: BPF_TRACE_ITER,
    attachBtfId: functionId,
    instructions: assembleBpf(items),
  };
  using program = loadBpfProgram(spec);
  return linkBpfProgram(program, BPF_TRACE_ITER);
}

/** kernel/bpf/bpf_iter.c: bpf_seq_read() collects up to eight pages before it gives them to a read. */
const kernelBuffer = 32 * 1024;

/**
 * How much to ask for at once: a whole number of records that is less than the kernel's buffer holds. The kernel then
 * stops at that number; a record too many would be thrown away and the program run for its object again.
 */
function chunkLength(recordWords: number): number {
  return (Math.floor(kernelBuffer / (recordWords * 4)) - 1) * recordWords * 4;
}

/** Runs an iteration through all objects and gives the records that the program wrote. */
export function recordsOf(link: OwnedDescriptor, recordWords: number): Int32Array {
  const chunk = chunkLength(recordWords);
  using iterator = openBpfIterator(link);
  let bytes = new Uint8Array(new ArrayBuffer(kernelBuffer * 4));
  let length = 0;
  for (;;) {
    if (bytes.length - length < chunk) {
      const larger = new Uint8Array(new ArrayBuffer(bytes.length * 2));
      larger.set(bytes);
      bytes = larger;
    }
    const count = readBpfIterator(iterator, bytes.subarray(length, length + chunk));
    if (count === 0) return new Int32Array(bytes.buffer, 0, length / 4);
    length += count;
  }
}

/** Begins an iteration and gives the first records only. */
export function firstRecordsOf(link: OwnedDescriptor, recordWords: number): Int32Array {
  const chunk = new Uint8Array(new ArrayBuffer(chunkLength(recordWords)));
  using iterator = openBpfIterator(link);
  return new Int32Array(chunk.buffer, 0, readBpfIterator(iterator, chunk) / 4);
}
