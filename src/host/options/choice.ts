import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { copyDescriptor, openProcess } from '../../native/pidfd.js';
import type { Omission } from '../list/connection.js';
import { DescriptorCopies } from './descriptor-copies.js';
import type { OptionSource } from './source.js';
import { TcpIterator } from './tcp-iterator.js';
import { tcpIteratorCve } from './tcp-iterator-cve.js';

/** Whether something can be done here: yes, no and why, or it could not be told and why. */
export type Capability = { readonly answer: 'yes' } | { readonly answer: 'no' | 'unknown'; readonly why: string };

/** A capability and, where it is there, what it gives. */
export interface ProbedSource {
  readonly method: OptionSource['method'];
  readonly capability: Capability;
  /** Only with the answer `yes`; the caller disposes of it. */
  readonly source: OptionSource | undefined;
}

/** The errors that will be the same next time (524 is the kernel's own ENOTSUPP); others, such as ENOMEM, say nothing. */
const lasting = new Set(['EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'EOPNOTSUPP', 'ERRNO_524']);

/** Returns what an error says of a capability. Throws the error if it is no refusal. */
export function capabilityOf(
  error: unknown,
  hints: Readonly<Record<string, string>>,
): Exclude<Capability, { answer: 'yes' }> {
  if (error instanceof UnsupportedError) return { answer: 'no', why: error.message };
  if (!(error instanceof SystemCallError)) throw error;
  const hint = hints[error.code];
  const why = hint === undefined ? error.message : `${error.syscall}: ${error.code}, ${hint}`;
  return { answer: lasting.has(error.code) ? 'no' : 'unknown', why };
}

const iteratorHints = {
  EPERM: "loading a program takes CAP_BPF and CAP_PERFMON in the machine's own user namespace, such as root has there",
  ENOSYS: 'this kernel is built without bpf(2)',
};

/** Tries whether the kernel loads and runs the programs of {@link TcpIterator}. */
export function probeTcpIterator(): ProbedSource {
  const method = 'tcp-iterator';
  let source: TcpIterator | undefined;
  try {
    source = new TcpIterator();
    if (source.canRead()) return { method, capability: { answer: 'yes' }, source };
    source[Symbol.dispose]();
    const why = 'this kernel does not read the options for a program: Linux does since 6.1';
    return { method, capability: { answer: 'no', why }, source: undefined };
  } catch (error) {
    source?.[Symbol.dispose]();
    return { method, capability: capabilityOf(error, iteratorHints), source: undefined };
  }
}

const copiesHints = { EPERM: 'a process may not even copy a descriptor of its own: a seccomp profile forbids it' };

/**
 * Tries whether descriptors can be copied, with one of this process. Whether those of another process may be copied is
 * a matter of that process, and its sockets then say so.
 */
export function probeDescriptorCopies(): ProbedSource {
  const method = 'descriptor-copies';
  try {
    using process = openProcess(globalThis.process.pid);
    copyDescriptor(process, process.fd).close();
    return { method, capability: { answer: 'yes' }, source: new DescriptorCopies() };
  } catch (error) {
    return { method, capability: capabilityOf(error, copiesHints), source: undefined };
  }
}

export interface ChosenSource extends Disposable {
  /** `undefined` where there is no way to read or set options of other processes. */
  readonly source: OptionSource | undefined;
  /** The ways that would have come first, and why they are not there. */
  readonly refused: readonly Omission[];
}

const probes = { 'tcp-iterator': probeTcpIterator, 'descriptor-copies': probeDescriptorCopies } as const;

const names: Readonly<Record<OptionSource['method'], string>> = {
  'tcp-iterator': "options through the kernel's TCP iterator",
  'descriptor-copies': 'options through copies of descriptors',
};

/** The ways in the order in which they are tried, and why one that is the better is not among them. */
function waysToTry(wanted: OptionSource['method'] | undefined) {
  if (wanted !== undefined) return { methods: [wanted], refused: [] };
  const flaw = tcpIteratorCve();
  if (flaw === undefined) return { methods: ['tcp-iterator', 'descriptor-copies'] as const, refused: [] };
  return { methods: ['descriptor-copies'] as const, refused: [{ what: names['tcp-iterator'], why: flaw }] };
}

/**
 * Takes the first way that works here: the TCP iterator, which reaches every socket and is the faster, where this kernel
 * runs it safely; else copies of descriptors, which reach the processes that this one may look into. A way that is asked
 * for is the only one that is tried.
 */
export function chooseOptionSource(wanted?: OptionSource['method']): ChosenSource {
  const { methods, refused: unsafe } = waysToTry(wanted);
  const refused: Omission[] = [...unsafe];
  for (const method of methods) {
    const { capability, source } = probes[method]();
    if (source !== undefined) return { source, refused, [Symbol.dispose]: () => source[Symbol.dispose]() };
    if (capability.answer === 'yes') continue;
    const doubt = capability.answer === 'unknown' ? 'it could not be told whether it works: ' : '';
    refused.push({ what: names[method], why: `${doubt}${capability.why}` });
  }
  return { source: undefined, refused, [Symbol.dispose]: () => {} };
}
