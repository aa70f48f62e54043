/**
 * Instructions of eBPF as values, and their assembly into the bytes that bpf(2) loads. From include/uapi/linux/bpf.h
 * (since 3.18; the 32-bit jumps since 5.1):
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
  /** The label that a jump goes to; its offset is worked out by {@link assembleBpf}. */
  readonly target?: string;
  /** The upper half of a 64-bit immediate, which takes a second instruction. */
  readonly upper?: number;
}

/** A place for jumps to go to; takes no room in the program. */
export interface BpfLabel {
  readonly label: string;
}

/** What a program is made of. */
export type BpfProgramItem = BpfInstruction | BpfLabel;

/** r0 is a call's result, r1 to r5 its arguments, lost by it; r6 to r9 stay; r10 is the end of the 512-byte stack. */
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

/** An instruction whose second operand is a register or a constant. */
function withOperand(code: number, dst: BpfRegister, operand: BpfRegister | number): BpfInstruction {
  if (typeof operand === 'number') return instruction(code, numberOf(dst), 0, 0, operand);
  return instruction(code | BPF_X, numberOf(dst), numberOf(operand), 0, 0);
}

/** `dst = dst op operand`, or `dst = operand` for `mov`, in 64 bits. */
export function arithmetic(op: BpfArithmetic, dst: BpfRegister, operand: BpfRegister | number): BpfInstruction {
  return withOperand(BPF_ALU64 | bpfArithmetic[op], dst, operand);
}

/** `dst = operand` */
export function mov(dst: BpfRegister, operand: BpfRegister | number): BpfInstruction {
  return arithmetic('mov', dst, operand);
}

/** `dst = *(size *)(base + offset)`, the upper bits zero */
export function load(size: BpfSize, dst: BpfRegister, base: BpfRegister, offset: number): BpfInstruction {
  return instruction(BPF_LDX_MEM | bpfSizes[size], numberOf(dst), numberOf(base), offset, 0);
}

/** `*(size *)(base + offset) = value` */
export function store(size: BpfSize, base: BpfRegister, offset: number, value: BpfRegister | number): BpfInstruction {
  if (typeof value === 'number') {
    return instruction(BPF_ST_MEM | bpfSizes[size], numberOf(base), 0, offset, value);
  }
  return instruction(BPF_STX_MEM | bpfSizes[size], numberOf(base), numberOf(value), offset, 0);
}

/** A place that jumps can name. */
export function label(name: string): BpfLabel {
  return { label: name };
}

/** Goes on at a label. */
export function jump(target: string): BpfInstruction {
  return { ...instruction(BPF_JMP, 0, 0, 0, 0), target };
}

/** Jumps where `left condition right` holds; `bits` is how much of the registers is compared. */
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

/** Ends the program with what is in r0. */
export function exit(): BpfInstruction {
  return instruction(BPF_EXIT, 0, 0, 0, 0);
}

/** `dst = the map` that a descriptor of the loading process stands for. */
export function loadMap(dst: BpfRegister, fd: number): BpfInstruction {
  return { ...instruction(BPF_LD_IMM64, numberOf(dst), BPF_PSEUDO_MAP_FD, 0, fd), upper: 0 };
}

const instructionLength = 8;

const isLabel = (item: BpfProgramItem): item is BpfLabel => 'label' in item;

/** The number of the instruction that follows each label. */
function placesOf(program: readonly BpfProgramItem[]): { places: Map<string, number>; count: number } {
  const places = new Map<string, number>();
  let count = 0;
  for (const item of program) {
    if (!isLabel(item)) count += item.upper === undefined ? 1 : 2;
    else if (places.has(item.label)) throw new Error(`the label '${item.label}' stands twice in the program`);
    else places.set(item.label, count);
  }
  return { places, count };
}

/**
 * Lays a program out as the kernel reads it.
 *
 * @throws {Error} if a label is missing or stands twice, or a jump is too far for 16 bits.
 */
export function assembleBpf(program: readonly BpfProgramItem[]): Uint8Array {
  const { places, count } = placesOf(program);
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
    put(item.target === undefined ? item : { ...item, offset: distance(places, item.target, index) });
    if (item.upper !== undefined) put(instruction(0, 0, 0, 0, item.upper));
  }
  return bytes;
}

/** A jump counts from the instruction after it. */
function distance(places: ReadonlyMap<string, number>, target: string, from: number): number {
  const place = places.get(target);
  if (place === undefined) throw new Error(`there is no label '${target}' in the program`);
  const offset = place - from - 1;
  if (offset !== (offset << 16) >> 16) throw new Error(`the label '${target}' is too far for a jump`);
  return offset;
}
