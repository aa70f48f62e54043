import { readFileSync, statSync } from 'node:fs';
import { BtfTypes } from '../../wire/bpf/btf.js';
import { UnsupportedError } from '../errors.js';
import { mapKernelFile } from '../file-mapping.js';

/** The kernel's type information, since 5.4 if it is built with CONFIG_DEBUG_INFO_BTF. */
const typeInformation = '/sys/kernel/btf/vmlinux';

let types: BtfTypes | undefined;

/** The file is read 4 KiB at a time (fs/kernfs/file.c), which takes longer than mapping it; that works since 6.16. */
function readTypeInformation(): Uint8Array {
  return mapKernelFile(typeInformation, statSync(typeInformation).size) ?? readFileSync(typeInformation);
}

/**
 * Returns the types of the running kernel, which are read once.
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

/** Returns whether the types have been read, so that asking for them costs nothing. */
export function hasKernelTypes(): boolean {
  return types !== undefined;
}
