import { bpfArithmetic, bpfConditions, bpfSizes } from './instructions.js';

function inverted(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, code]) => [code, name]));
}

const sizes = inverted(bpfSizes);
const operators = inverted({ ...bpfArithmetic });
const conditions = inverted(bpfConditions);
const symbols: Readonly<Record<string, string>> = {
  add: '+=',
  sub: '-=',
  mul: '*=',
  or: '|=',
  and: '&=',
  lsh: '<<=',
  rsh: '>>=',
  xor: '^=',
  mov: '=',
};

interface Fields {
  readonly code: number;
  readonly dst: string;
  readonly src: string;
  readonly offset: number;
  readonly immediate: number;
}

const sized = (code: number) => sizes.get(code & 0x18) ?? '?';
const memory = (size: string, base: string, offset: number) =>
  `*(${size} *)(${base} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)})`;

/** Returns the text of an operation with a constant or register operand: arithmetic and conditional jumps. */
function operandText({ code, dst, src, offset, immediate }: Fields, next: number): string | undefined {
  const operand = (code & 0x08) === 0 ? String(immediate) : src;
  if ((code & 0x07) === 0x07) {
    const symbol = symbols[operators.get(code & 0xf0) ?? ''];
    return symbol && `${dst} ${symbol} ${operand}`;
  }
  const condition = conditions.get(code & 0xf0);
  if (condition === undefined) return undefined;
  const left = (code & 0x07) === 0x06 ? `(u32)${dst}` : dst;
  return `if ${left} ${condition} ${operand} goto ${next + offset}`;
}

function text(fields: Fields, next: number): string {
  const { code, dst, src, offset, immediate } = fields;
  const unknown = `unknown 0x${code.toString(16).padStart(2, '0')}`;
  if (code === 0x85) return `call ${immediate}`;
  if (code === 0x95) return 'exit';
  if (code === 0x05) return `goto ${next + offset}`;
  if (code === 0x18)
    return src === 'r1' ? `${dst} = map of descriptor ${immediate}` : `${dst} = ${immediate} (64 bits)`;
  if ((code & 0xe0) === 0x60) {
    if ((code & 0x07) === 1) return `${dst} = ${memory(sized(code), src, offset)}`;
    if ((code & 0x07) === 2) return `${memory(sized(code), dst, offset)} = ${immediate}`;
    if ((code & 0x07) === 3) return `${memory(sized(code), dst, offset)} = ${src}`;
  }
  return ((code & 0x07) >= 0x05 ? operandText(fields, next) : undefined) ?? unknown;
}

/** Returns the text of an assembled program, one numbered instruction a line. A jump shows the number of its target. */
export function disassembleBpf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: string[] = [];
  for (let index = 0; (index + 1) * 8 <= bytes.length; index += 1) {
    const at = index * 8;
    const code = view.getUint8(at);
    const registers = view.getUint8(at + 1);
    const fields: Fields = {
      code,
      dst: `r${registers & 0x0f}`,
      src: `r${registers >> 4}`,
      offset: view.getInt16(at + 2, true),
      immediate: view.getInt32(at + 4, true),
    };
    lines.push(`${index}: ${text(fields, index + 1)}`);
    // A 64-bit constant occupies two instructions.
    if (code === 0x18) index += 1;
  }
  return lines.join('\n');
}
