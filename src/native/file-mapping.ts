import { ffi } from './ffi.js';
import { linuxCalls } from './linux-calls.js';
import { OwnedDescriptor } from './owned-descriptor.js';

/** include/uapi/asm-generic/mman-common.h and fcntl.h */
const PROT_READ = 1;
const MAP_PRIVATE = 2;
const O_CLOEXEC = 0o2000000;

function map(fd: number, length: number): Uint8Array | undefined {
  const address = linuxCalls().mmap(null, length, PROT_READ, MAP_PRIVATE, fd, 0);
  // MAP_FAILED is (void *) -1.
  return BigInt.asIntN(64, address) === -1n ? undefined : new Uint8Array(ffi().view(address, length));
}

/**
 * Maps a kernel file into memory until this process ends. Do not write to the memory. Returns undefined if the kernel
 * cannot map the file.
 */
export function mapKernelFile(path: string, length: number): Uint8Array | undefined {
  if (length === 0) return undefined;
  const fd = linuxCalls().open(path, O_CLOEXEC);
  if (fd < 0) return undefined;
  using file = new OwnedDescriptor(fd, path);
  return map(file.fd, length);
}
