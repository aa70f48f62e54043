import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { btfFunctionId } from '../../src/wire/btf.js';

/** Kinds of include/uapi/linux/btf.h with what follows the twelve bytes of each type: words, and words a member. */
const kinds = {
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

interface TypeToWrite {
  readonly kind: keyof typeof kinds;
  readonly name: string;
  readonly members?: number;
}

/** Lays types out as pahole does; what follows a type is filled with a pattern that looks like another type. */
function btfOf(types: readonly TypeToWrite[], alignment = 0): Uint8Array {
  const words: number[] = [];
  let strings = '\0';
  for (const { kind, name, members = 0 } of types) {
    const [number, fixed, each] = kinds[kind];
    words.push(strings.length, (number << 24) | members, 0);
    for (let word = 0; word < fixed + each * members; word += 1) words.push(12 << 24);
    strings += `${name}\0`;
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

const everyKind = (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => ({
  kind,
  name: `a_${kind}`,
  members: 3,
}));
const sought = { kind: 'FUNC', name: 'bpf_iter_tcp' } as const;

describe('btfFunctionId', () => {
  it('walks over every kind of type', () => {
    const types = [...everyKind, { kind: 'FUNC', name: 'bpf_iter_tcp_not' } as const, sought];
    expect(btfFunctionId(btfOf(types), 'bpf_iter_tcp')).toBe(types.length);
  });

  it.each([1, 2, 3])('reads bytes that begin %i off a word', (alignment) => {
    expect(btfFunctionId(btfOf([...everyKind, sought], alignment), 'bpf_iter_tcp')).toBe(everyKind.length + 1);
  });

  it('finds a function only, of exactly that name', () => {
    expect(btfFunctionId(btfOf([{ kind: 'VAR', name: 'bpf_iter_tcp' }]), 'bpf_iter_tcp')).toBeUndefined();
    expect(btfFunctionId(btfOf([{ kind: 'FUNC', name: 'my_bpf_iter_tcp' }]), 'bpf_iter_tcp')).toBeUndefined();
    expect(btfFunctionId(btfOf([]), 'bpf_iter_tcp')).toBeUndefined();
  });

  it('gives nothing for what is no type information, or a kind that is not known', () => {
    expect(btfFunctionId(new Uint8Array(0), 'bpf_iter_tcp')).toBeUndefined();
    expect(btfFunctionId(new Uint8Array(100), 'bpf_iter_tcp')).toBeUndefined();
    const unknown = btfOf([{ kind: 'PTR', name: 'pointer' }, sought]);
    unknown[24 + 7] = 31;
    expect(btfFunctionId(unknown, 'bpf_iter_tcp')).toBeUndefined();
  });

  it('ends with an id or nothing, whatever the bytes are', () => {
    const whole = btfOf([...everyKind, sought]);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const id = btfFunctionId(bytes, 'bpf_iter_tcp');
        expect(id === undefined || (Number.isInteger(id) && id > 0)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });
});
