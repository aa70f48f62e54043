/** Kinds of include/uapi/linux/btf.h with what follows the twelve bytes of each type: words, and words a member. */
export const kinds = {
  INT: [1, 1, 0],
  PTR: [2, 0, 0],
  ARRAY: [3, 3, 0],
  STRUCT: [4, 0, 3],
  UNION: [5, 0, 3],
  ENUM: [6, 0, 2],
  FWD: [7, 0, 0],
  TYPEDEF: [8, 0, 0],
  VOLATILE: [9, 0, 0],
  CONST: [10, 0, 0],
  RESTRICT: [11, 0, 0],
  FUNC: [12, 0, 0],
  FUNC_PROTO: [13, 0, 2],
  VAR: [14, 1, 0],
  DATASEC: [15, 0, 3],
  FLOAT: [16, 0, 0],
  DECL_TAG: [17, 1, 0],
  TYPE_TAG: [18, 0, 0],
  ENUM64: [19, 0, 3],
} as const;

/** A type of BTF, whose id is its place in the list, from 1. */
export interface TypeToWrite {
  readonly kind: keyof typeof kinds;
  readonly name: string;
  readonly members?: number;
  /** The id of the type that it refers to. */
  readonly type?: number;
  /** In place of the pattern: the name, the type and what else there is of each member or parameter. */
  readonly parts?: readonly (readonly [name: string, ...words: number[]])[];
  readonly hasBitFields?: true;
}

/** Lays types out as pahole does; what follows a type is filled with a pattern that looks like another type. */
export function btfOf(types: readonly TypeToWrite[], alignment = 0): Uint8Array {
  const words: number[] = [];
  let strings = '\0';
  const offsetOf = (name: string) => {
    if (name === '') return 0;
    strings += `${name}\0`;
    return strings.length - name.length - 1;
  };
  for (const { kind, name, parts, members = parts?.length ?? 0, type = 0, hasBitFields } of types) {
    const [number, fixed, each] = kinds[kind];
    words.push(offsetOf(name), (hasBitFields ? 2 ** 31 : 0) + (number << 24) + members, type);
    if (parts !== undefined) for (const [part, ...rest] of parts) words.push(offsetOf(part), ...rest);
    else for (let word = 0; word < fixed + each * members; word += 1) words.push(12 << 24);
  }
  const bytes = new Uint8Array(alignment + 24 + words.length * 4 + strings.length).subarray(alignment);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  for (const [index, value] of [24, 0, words.length * 4, words.length * 4, strings.length].entries()) {
    view.setUint32(4 + index * 4, value, true);
  }
  for (const [index, word] of words.entries()) view.setUint32(24 + index * 4, word, true);
  bytes.set(new TextEncoder().encode(strings), 24 + words.length * 4);
  return bytes;
}
