import { readFileSync, statSync } from 'node:fs';
import { BtfTypes } from '../../wire/bpf/btf.js';
import { UnsupportedError } from '../errors.js';
import { mapKernelFile } from '../file-mapping.js';

/** The kernel's type information, since 5.4 with CONFIG_DEBUG_INFO_BTF. */
const typeInformation = '/sys/kernel/btf/vmlinux';

let types: BtfTypes | undefined;

/** Maps the file (since 6.16) or reads it, which takes longer: each read returns 4 KiB (fs/kernfs/file.c). */
function readTypeInformation(): Uint8Array {
  return mapKernelFile(typeInformation, statSync(typeInformation).size) ?? readFileSync(typeInformation);
}

/**
 * Returns the types of the running kernel, read at the first call.
 *
 * @throws {UnsupportedError} if the kernel's type information cannot be read.
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

/** Returns whether {@link kernelTypes} has read the types. */
export function hasKernelTypes(): boolean {
  return types !== undefined;
}
