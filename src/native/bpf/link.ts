import { linkCreate } from '../../wire/bpf/attributes.js';
import type { BpfProgramItem } from '../../wire/bpf/instructions.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import { BpfProgram } from './program.js';
import { checkedBpf } from './syscall.js';

/** include/uapi/linux/bpf.h */
const BPF_PROG_TYPE_TRACING = 26;
const BPF_TRACE_ITER = 28;

/** A program that the kernel runs for each object of one kind. */
export interface IteratorProgram {
  /** At most 15 letters, digits and underscores. */
  readonly name: string;
  /** The id of the iterator's function in the kernel's type information. */
  readonly functionId: number;
  readonly items: readonly BpfProgramItem[];
}

/** Attaches a program for as long as this descriptor is open. */
export class BpfLink extends OwnedDescriptor {
  readonly kind = 'link';

  /**
   * Loads a program for an iterator and attaches it.
   *
   * @throws {SystemCallError} EPERM without CAP_BPF and CAP_PERFMON.
   */
  static toIterator({ name, functionId, items }: IteratorProgram): BpfLink {
    using program = BpfProgram.load({
      name,
      type: BPF_PROG_TYPE_TRACING,
      attachType: BPF_TRACE_ITER,
      attachBtfId: functionId,
      items,
    });
    const attributes = linkCreate({ programFd: program.fd, attachType: BPF_TRACE_ITER });
    return new BpfLink(checkedBpf('BPF_LINK_CREATE', attributes, `the iterator ${name}`), `BPF link ${name}`);
  }
}
