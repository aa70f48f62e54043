import { bpfHelpers } from './helpers.js';
import { arithmetic, type BpfProgramItem, call, exit, label, load, mov, store } from './instructions.js';

/** A program of an iterator writes records of whole 32-bit words. */
export const wordLength = 4;

/** The register with the `seq_file` that receives the records. Calls do not change the register. */
export const sequence = 'r6';

/** Loads the `seq_file`, the first member of the `struct bpf_iter_meta` that is the first member of every context. */
export const loadSequence: readonly BpfProgramItem[] = [
  load('u64', sequence, 'r1', 0),
  load('u64', sequence, sequence, 0),
];

/** Returns the offset of a word of a record, from the end of the stack, where the record ends. */
export function offsetInRecord(words: number, word: number): number {
  return (word - words) * wordLength;
}

/** Sets all words of a record to 0. `words` is even. */
export function clearRecord(words: number): BpfProgramItem[] {
  return Array.from({ length: words / 2 }, (_, index) => store('u64', 'r10', offsetInRecord(words, index * 2), 0));
}

/** Writes the record to the `seq_file`. */
export function writeRecord(words: number): BpfProgramItem[] {
  return [
    mov('r1', sequence),
    mov('r2', 'r10'),
    arithmetic('add', 'r2', offsetInRecord(words, 0)),
    mov('r3', words * wordLength),
    call(bpfHelpers.seqWrite),
  ];
}

/** Ends the program at the label `end`, with 0 even if writing has failed: 1 makes the kernel run the program again. */
export const end: readonly BpfProgramItem[] = [label('end'), mov('r0', 0), exit()];
