import { bpfHelpers } from './helpers.js';
import { type BpfProgramItem, type BpfSize, call, jumpIf, load, mov } from './instructions.js';
import { loadSequence } from './records.js';

/** The registers of the values that {@link socketFileOrEnd} and {@link tcpSocketOr} load. Calls do not change the registers. */
export const found = { task: 'r7', fd: 'r8', file: 'r9', sock: 'r7', tcpSock: 'r8' } as const;

/**
 * Loads the task, the number and the file of a socket's descriptor, and the `struct socket` into r0. Jumps to `end` for any
 * other descriptor.
 *
 * The context of a program for `bpf_iter_task_file` (kernel/bpf/task_iter.c, since 5.8; the helper that knows sockets since
 * 5.11):
 *
 *     struct bpf_iter__task_file {
 *       struct bpf_iter_meta *meta;   //  0; its first member is `struct seq_file *seq`
 *       struct task_struct *task;     //  8
 *       u32 fd;                       // 16
 *       struct file *file;            // 24, NULL at the end
 *     };
 */
export const socketFileOrEnd: readonly BpfProgramItem[] = [
  load('u64', found.task, 'r1', 8),
  load('u32', found.fd, 'r1', 16),
  load('u64', found.file, 'r1', 24),
  ...loadSequence,
  jumpIf(found.task, '==', 0, 'end'),
  jumpIf(found.file, '==', 0, 'end'),
  mov('r1', found.file),
  call(bpfHelpers.sockFromFile),
  jumpIf('r0', '==', 0, 'end'),
];

/** Loads the `struct sock` and the `struct tcp_sock` of the `struct socket` in r0. Jumps to `target` if it is no TCP socket. */
export function tcpSocketOr(target: string, sk: { readonly size: BpfSize; readonly offset: number }): BpfProgramItem[] {
  return [
    load(sk.size, found.sock, 'r0', sk.offset),
    jumpIf(found.sock, '==', 0, target),
    mov('r1', found.sock),
    call(bpfHelpers.skcToTcpSock),
    jumpIf('r0', '==', 0, target),
    mov(found.tcpSock, 'r0'),
  ];
}
