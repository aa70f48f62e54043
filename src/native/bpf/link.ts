import { linkCreate, taskIteratorInfo } from '../../wire/bpf/attributes.js';
import type { BpfProgramItem } from '../../wire/bpf/instructions.js';
import { libc } from '../libc.js';
import { OwnedDescriptor } from '../owned-descriptor.js';
import { BpfProgram } from './program.js';
import { checkedBpf } from './syscall.js';

/** include/uapi/linux/bpf.h */
const BPF_PROG_TYPE_TRACING = 26;
const BPF_TRACE_ITER = 28;

/** A program that the kernel runs for each of its objects of a kind. */
export interface IteratorProgram {
  /** At most 15 letters, digits and underscores. */
  readonly name: string;
  /** The id of the iterator's function in the kernel's type information. */
  readonly functionId: number;
  readonly items: readonly BpfProgramItem[];
  /** The only process whose objects are iterated. Default: all. Only for iterators of tasks and their files, Linux 6.1. */
  readonly pid?: number;
}

/** A program that is attached for as long as this descriptor is open. */
export class BpfLink extends OwnedDescriptor {
  readonly kind = 'link';

  /**
   * Loads a program for an iterator and attaches it.
   *
   * @throws {SystemCallError} EPERM without CAP_BPF and CAP_PERFMON, EINVAL if the kernel cannot limit the iterator to `pid`.
   */
  static toIterator({ name, functionId, items, pid }: IteratorProgram): BpfLink {
    using program = BpfProgram.load({
      name,
      type: BPF_PROG_TYPE_TRACING,
      attachType: BPF_TRACE_ITER,
      attachBtfId: functionId,
      items,
    });
    const info = pid === undefined ? undefined : taskIteratorInfo(pid);
    const iterator = info && { address: libc().addressOf(info), length: info.length };
    const attributes = linkCreate({
      programFd: program.fd,
      attachType: BPF_TRACE_ITER,
      ...(iterator === undefined ? {} : { iterator }),
    });
    return new BpfLink(checkedBpf('BPF_LINK_CREATE', attributes, `the iterator ${name}`), `BPF link ${name}`);
  }
}
