/**
 * An instruction of eBPF, from include/uapi/linux/bpf.h (since 3.18; the 32-bit jumps since 5.1):
 *
 *     struct bpf_insn {
 *       __u8  code;          // opcode
 *       __u8  dst_reg : 4;   // dest register
 *       __u8  src_reg : 4;   // source register
 *       __s16 off;           // signed offset
 *       __s32 imm;           // signed immediate constant
 *     };
 */
export interface BpfInstruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly immediate: number;
  /** The label that a jump goes to; {@link assembleBpf} computes the offset. */
  readonly target?: string;
  /** The upper half of a 64-bit immediate, which occupies a second instruction. */
  readonly upper?: number;
}

/** A target of jumps, which occupies no bytes in the program. */
export interface BpfLabel {
  readonly label: string;
}

/** An element of a program. */
export type BpfProgramItem = BpfInstruction | BpfLabel;

/** A call returns in r0, reads and destroys r1 to r5, and keeps r6 to r9. r10 is the end of the 512-byte stack. */
export type BpfRegister = 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'r9' | 'r10';

/** Class and mode bits, from include/uapi/linux/bpf_common.h and bpf.h. */
export const bpfSizes = { u32: 0x00, u16: 0x08, u8: 0x10, u64: 0x18 } as const;
export const bpfArithmetic = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  xor: 0xa0,
  mov: 0xb0,
} as const;
export const bpfConditions = {
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '&': 0x40,
  '!=': 0x50,
  's>': 0x60,
  's>=': 0x70,
  '<': 0xa0,
  '<=': 0xb0,
  's<': 0xc0,
  's<=': 0xd0,
} as const;

export type BpfSize = keyof typeof bpfSizes;
export type BpfArithmetic = keyof typeof bpfArithmetic;
export type BpfCondition = keyof typeof bpfConditions;

const BPF_LDX_MEM = 0x61;
const BPF_ST_MEM = 0x62;
const BPF_STX_MEM = 0x63;
const BPF_LD_IMM64 = 0x18;
const BPF_JMP = 0x05;
const BPF_JMP32 = 0x06;
const BPF_ALU64 = 0x07;
const BPF_X = 0x08;
const BPF_CALL = 0x85;
const BPF_EXIT = 0x95;
const BPF_PSEUDO_MAP_FD = 1;

const numberOf = (register: BpfRegister): number => Number(register.slice(1));

function instruction(code: number, dst: number, src: number, offset: number, immediate: number): BpfInstruction {
  return { code, dst, src, offset, immediate };
}

/** Returns an instruction whose second operand is a register or a constant. */
function withOperand(code: number, dst: BpfRegister, operand: BpfRegister | number): BpfInstruction {
  if (typeof operand === 'number') return instruction(code, numberOf(dst), 0, 0, operand);
  return instruction(code | BPF_X, numberOf(dst), numberOf(operand), 0, 0);
}

/** Returns `dst = dst op operand`, or `dst = operand` for `mov`, in 64 bits. */
export function arithmetic(op: BpfArithmetic, dst: BpfRegister, operand: BpfRegister | number): BpfInstruction {
  return withOperand(BPF_ALU64 | bpfArithmetic[op], dst, operand);
}

/** Returns `dst = operand`. */
export function mov(dst: BpfRegister, operand: BpfRegister | number): BpfInstruction {
  return arithmetic('mov', dst, operand);
}

/** Returns `dst = *(size *)(base + offset)`, with zero in the upper bits. */
export function load(size: BpfSize, dst: BpfRegister, base: BpfRegister, offset: number): BpfInstruction {
  return instruction(BPF_LDX_MEM | bpfSizes[size], numberOf(dst), numberOf(base), offset, 0);
}

/** Returns `*(size *)(base + offset) = value`. */
export function store(size: BpfSize, base: BpfRegister, offset: number, value: BpfRegister | number): BpfInstruction {
  if (typeof value === 'number') {
    return instruction(BPF_ST_MEM | bpfSizes[size], numberOf(base), 0, offset, value);
  }
  return instruction(BPF_STX_MEM | bpfSizes[size], numberOf(base), numberOf(value), offset, 0);
}

/** Returns a label, which jumps can name. */
export function label(name: string): BpfLabel {
  return { label: name };
}

/** Jumps to a label. */
export function jump(target: string): BpfInstruction {
  return { ...instruction(BPF_JMP, 0, 0, 0, 0), target };
}

/** Jumps if `left condition right` holds; `bits` is the number of bits to compare. */
export function jumpIf(
  left: BpfRegister,
  condition: BpfCondition,
  right: BpfRegister | number,
  target: string,
  bits: 32 | 64 = 64,
): BpfInstruction {
  const kind = bits === 32 ? BPF_JMP32 : BPF_JMP;
  return { ...withOperand(kind | bpfConditions[condition], left, right), target };
}

/** Calls a function of the kernel by its number (`BPF_FUNC_...`). */
export function call(helper: number): BpfInstruction {
  return instruction(BPF_CALL, 0, 0, 0, helper);
}

/** Ends the program, with r0 as the result. */
export function exit(): BpfInstruction {
  return instruction(BPF_EXIT, 0, 0, 0, 0);
}

/** Returns `dst = map`, with the map's descriptor in the loading process. */
export function loadMap(dst: BpfRegister, fd: number): BpfInstruction {
  return { ...instruction(BPF_LD_IMM64, numberOf(dst), BPF_PSEUDO_MAP_FD, 0, fd), upper: 0 };
}

const instructionLength = 8;

const isLabel = (item: BpfProgramItem): item is BpfLabel => 'label' in item;

/** Returns the index of the instruction after each label, and the number of instructions. */
function targetsOf(program: readonly BpfProgramItem[]): { targets: Map<string, number>; count: number } {
  const targets = new Map<string, number>();
  let count = 0;
  for (const item of program) {
    if (!isLabel(item)) count += item.upper === undefined ? 1 : 2;
    else if (targets.has(item.label)) throw new Error(`the label '${item.label}' stands twice in the program`);
    else targets.set(item.label, count);
  }
  return { targets, count };
}

/**
 * Encodes a program as the kernel reads it.
 *
 * @throws {Error} if a label is missing or stands twice, or a jump is too far for 16 bits.
 */
export function assembleBpf(program: readonly BpfProgramItem[]): Uint8Array {
  const { targets, count } = targetsOf(program);
  const bytes = new Uint8Array(count * instructionLength);
  const view = new DataView(bytes.buffer);
  let index = 0;
  const put = ({ code, dst, src, offset, immediate }: BpfInstruction) => {
    const at = index * instructionLength;
    view.setUint8(at, code);
    view.setUint8(at + 1, (src << 4) | dst);
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, immediate, true);
    index += 1;
  };
  for (const item of program) {
    if (isLabel(item)) continue;
    put(item.target === undefined ? item : { ...item, offset: jumpOffset(targets, item.target, index) });
    if (item.upper !== undefined) put(instruction(0, 0, 0, 0, item.upper));
  }
  return bytes;
}

/** Returns the offset of a jump, which counts from the next instruction. */
function jumpOffset(targets: ReadonlyMap<string, number>, target: string, from: number): number {
  const index = targets.get(target);
  if (index === undefined) throw new Error(`there is no label '${target}' in the program`);
  const offset = index - from - 1;
  if (offset !== (offset << 16) >> 16) throw new Error(`the label '${target}' is too far for a jump`);
  return offset;
}
