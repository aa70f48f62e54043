import { iteratorCreate } from '../../wire/bpf/attributes.js';
import { codeOfErrno } from '../errors.js';
import { libc } from '../libc.js';
import { checked, linuxCalls } from '../linux-calls.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import type { BpfLink } from './link.js';
import { checkedBpf } from './syscall.js';

/** An iteration through all objects. Each read runs the linked program, and returns the bytes that the program writes. */
class BpfIterator extends OwnedDescriptor {
  readonly kind = 'iterator';

  static of(link: BpfLink): BpfIterator {
    return new BpfIterator(checkedBpf('BPF_ITER_CREATE', iteratorCreate(link.fd), 'an iterator'), 'BPF iterator');
  }

  /** Reads up to the length of `buffer`. Returns the number of bytes; 0 at the end. */
  read(buffer: Uint8Array): number {
    for (;;) {
      const count = linuxCalls().read(this.fd, buffer, buffer.length);
      const code = count < 0 ? codeOfErrno(libc().errno()) : undefined;
      // The kernel returns EAGAIN after each million objects for which the program wrote nothing, and EINTR for a signal
      // before the iteration has begun.
      if (code === 'EAGAIN' || code === 'EINTR') continue;
      return checked(count, 'read(BPF iterator)', 'the iteration stopped');
    }
  }
}

/** kernel/bpf/bpf_iter.c: bpf_seq_read() collects up to eight pages for a read. */
const kernelBuffer = 32 * 1024;

/**
 * Returns the bytes to read at once: a whole number of records, one less than the kernel's buffer holds. The kernel would
 * discard a record too many, and run the program for the same object again.
 */
function chunkLength(recordWords: number): number {
  return (Math.floor(kernelBuffer / (recordWords * 4)) - 1) * recordWords * 4;
}

/** Runs an iteration through all objects and returns the records that the program wrote. */
export function recordsOf(link: BpfLink, recordWords: number): Int32Array {
  const chunk = chunkLength(recordWords);
  using iterator = BpfIterator.of(link);
  let bytes = new Uint8Array(new ArrayBuffer(kernelBuffer * 4));
  let length = 0;
  for (;;) {
    if (bytes.length - length < chunk) {
      const larger = new Uint8Array(new ArrayBuffer(bytes.length * 2));
      larger.set(bytes);
      bytes = larger;
    }
    const count = iterator.read(bytes.subarray(length, length + chunk));
    if (count === 0) return new Int32Array(bytes.buffer, 0, length / 4);
    length += count;
  }
}

/** Begins an iteration and returns the first records only. */
export function firstRecordsOf(link: BpfLink, recordWords: number): Int32Array {
  const chunk = new Uint8Array(new ArrayBuffer(chunkLength(recordWords)));
  using iterator = BpfIterator.of(link);
  return new Int32Array(chunk.buffer, 0, iterator.read(chunk) / 4);
}
