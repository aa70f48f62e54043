import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BtfTypes } from '../../src/wire/btf.js';
import { tcpInfoOffsets } from '../../src/wire/tcp-info-layout.js';
import { cannotRun } from '../requirement.js';

const typeInformation = '/sys/kernel/btf/vmlinux';

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
  /** The id of the type that it refers to. */
  readonly type?: number;
  /** In place of the pattern: the name, the type and what else there is of each member or parameter. */
  readonly parts?: readonly (readonly [name: string, ...words: number[]])[];
  readonly hasBitFields?: true;
}

/** Lays types out as pahole does; what follows a type is filled with a pattern that looks like another type. */
function btfOf(types: readonly TypeToWrite[], alignment = 0): Uint8Array {
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

const idOf = (btf: Uint8Array, name: string) => BtfTypes.read(btf)?.functionId(name);

const everyKind = (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => ({
  kind,
  name: `a_${kind}`,
  members: 3,
}));
const sought = { kind: 'FUNC', name: 'bpf_iter_tcp' } as const;

describe('the id of a function', () => {
  it('walks over every kind of type', () => {
    const types = [...everyKind, { kind: 'FUNC', name: 'bpf_iter_tcp_not' } as const, sought];
    expect(idOf(btfOf(types), 'bpf_iter_tcp')).toBe(types.length);
  });

  it.each([1, 2, 3])('reads bytes that begin %i off a word', (alignment) => {
    expect(idOf(btfOf([...everyKind, sought], alignment), 'bpf_iter_tcp')).toBe(everyKind.length + 1);
  });

  it('finds a function only, of exactly that name', () => {
    expect(idOf(btfOf([{ kind: 'VAR', name: 'bpf_iter_tcp' }]), 'bpf_iter_tcp')).toBeUndefined();
    expect(idOf(btfOf([{ kind: 'FUNC', name: 'my_bpf_iter_tcp' }]), 'bpf_iter_tcp')).toBeUndefined();
    expect(idOf(btfOf([]), 'bpf_iter_tcp')).toBeUndefined();
  });

  it('gives nothing for what is no type information, or a kind that is not known', () => {
    expect(idOf(new Uint8Array(0), 'bpf_iter_tcp')).toBeUndefined();
    expect(idOf(new Uint8Array(100), 'bpf_iter_tcp')).toBeUndefined();
    const unknown = btfOf([{ kind: 'PTR', name: 'pointer' }, sought]);
    unknown[24 + 7] = 31;
    expect(idOf(unknown, 'bpf_iter_tcp')).toBeUndefined();
  });

  it('ends with an id or nothing, whatever the bytes are', () => {
    const whole = btfOf([...everyKind, sought]);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const id = idOf(bytes, 'bpf_iter_tcp');
        expect(id === undefined || (Number.isInteger(id) && id > 0)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });
});

/** Ids in the order of the list: 1 to 12. */
const structs: readonly TypeToWrite[] = [
  { kind: 'INT', name: 'long', members: 0 },
  {
    kind: 'STRUCT',
    name: 'file',
    parts: [
      ['f_mode', 1, 0],
      ['f_ino', 1, 32],
      ['f_inode', 8, 64],
      ['', 10, 128],
      ['', 11, 256],
    ],
  },
  { kind: 'CONST', name: '', type: 2 },
  { kind: 'PTR', name: '', type: 3 },
  {
    kind: 'FUNC_PROTO',
    name: '',
    parts: [
      ['fd', 1],
      ['file', 4],
    ],
  },
  { kind: 'FUNC', name: 'visit', type: 5 },
  { kind: 'STRUCT', name: 'inode', parts: [['i_ino', 1, 512]] },
  { kind: 'PTR', name: '', type: 7 },
  { kind: 'STRUCT', name: '', parts: [['deep', 1, 64]] },
  {
    kind: 'UNION',
    name: '',
    parts: [
      ['shallow', 1, 0],
      ['', 9, 0],
    ],
  },
  {
    kind: 'STRUCT',
    name: '',
    hasBitFields: true,
    parts: [
      ['flag', 1, (1 << 24) + 3],
      ['whole', 1, 32],
    ],
  },
  {
    kind: 'STRUCT',
    name: 'circle',
    parts: [
      ['', 12, 64],
      ['', 14, 0],
      ['end', 1, 96],
    ],
  },
  { kind: 'CONST', name: '', type: 14 },
  { kind: 'CONST', name: '', type: 13 },
];

describe('a member', () => {
  const types = BtfTypes.read(btfOf(structs)) as BtfTypes;
  const file = types.parameterType(types.functionId('visit') as number, 1) as number;

  it('is found through the parameter of a function, its pointer and its modifiers', () => {
    expect(file).toBe(4);
    expect(types.member(file, 'f_inode')).toEqual({ offset: 8, type: 8 });
    expect(types.member(8, 'i_ino')).toEqual({ offset: 64, type: 1 });
  });

  it('is found in structs and unions without a name, each at its place', () => {
    expect(types.member(file, 'shallow')).toEqual({ offset: 16, type: 1 });
    expect(types.member(file, 'deep')).toEqual({ offset: 16 + 8, type: 1 });
    expect(types.member(file, 'whole')).toEqual({ offset: 32 + 4, type: 1 });
  });

  it('is not found by a part of its name, in another struct, or where it is a bit field', () => {
    for (const name of ['f_in', 'inode', 'i_ino', 'flag']) expect(types.member(file, name)).toBeUndefined();
    for (const type of [0, 1, 6, 999]) expect(types.member(type, 'f_inode')).toBeUndefined();
  });

  it('is found, or not, in a struct that holds itself', () => {
    expect(types.member(12, 'end')).toEqual({ offset: 12, type: 1 });
    expect(types.member(12, 'none')).toBeUndefined();
  });

  it('has no function but one with such a parameter', () => {
    expect(types.parameterType(6, 2)).toBeUndefined();
    expect(types.parameterType(5, 1)).toBeUndefined();
    expect(types.parameterType(0, 0)).toBeUndefined();
  });

  it('is a place or nothing, whatever the bytes are', () => {
    const whole = btfOf(structs);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), fc.nat(structs.length), (changes, length, id) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        const damaged = BtfTypes.read(length % 2 === 0 ? bytes : bytes.subarray(0, length));
        const type = damaged?.parameterType(id, 1) ?? id;
        for (const name of ['deep', 'whole', 'end']) {
          const member = damaged?.member(type, name);
          expect(member === undefined || (Number.isInteger(member.offset) && member.offset >= 0)).toBe(true);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('is looked for in bounded time where structs without a name hold one another over and over', () => {
    const many = Array.from({ length: 60 }, (_, index) => ['', 1 + (index % 20), 0] as const);
    const tangle = Array.from({ length: 20 }, () => ({ kind: 'STRUCT', name: '', parts: many }) as const);
    expect(BtfTypes.read(btfOf(tangle))?.member(1, 'none')).toBeUndefined();
  });
});

describe.skipIf(cannotRun(!existsSync(typeInformation), 'the kernel gives no type information'))(
  "the kernel's own type information",
  () => {
    it('has the members of a struct that is part of its interface where that says', () => {
      const types = BtfTypes.read(readFileSync(typeInformation)) as BtfTypes;
      const id = types.functionId('tcp_get_info') as number;
      const info = types.parameterType(id, 1) as number;
      for (const [name, offset] of Object.entries(tcpInfoOffsets)) {
        const member = types.member(info, name);
        // An older kernel's structure ends sooner.
        if (member !== undefined || offset < 104) expect(member, name).toMatchObject({ offset });
      }
    });
  },
);
