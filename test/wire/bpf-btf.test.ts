import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BtfTypes } from '../../src/wire/bpf/btf.js';
import { tcpInfoOffsets } from '../../src/wire/tcp-info/layout.js';
import { cannotRun } from '../requirement.js';
import { btfOf, kinds, type TypeToWrite } from './type-information.js';

const typeInformation = '/sys/kernel/btf/vmlinux';

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

/** A `struct outer` with an `inner` and a pointer to one; ids in the order of the list. */
const nested: readonly TypeToWrite[] = [
  { kind: 'INT', name: 'unsigned long', type: 8, members: 0 },
  { kind: 'TYPEDEF', name: 'u16', type: 3 },
  { kind: 'INT', name: 'unsigned short', type: 2, members: 0 },
  { kind: 'UNION', name: 'inner', parts: [['of_union', 1, 0]] },
  {
    kind: 'STRUCT',
    name: 'inner',
    parts: [
      ['port', 2, 16],
      ['', 10, 64],
    ],
  },
  { kind: 'CONST', name: '', type: 5 },
  { kind: 'PTR', name: 'inner', type: 5 },
  {
    kind: 'STRUCT',
    name: 'outer',
    parts: [
      ['first', 1, 0],
      ['here', 6, 64],
      ['there', 7, 192],
    ],
  },
  { kind: 'FUNC', name: 'outer_function', type: 0 },
  { kind: 'STRUCT', name: '', parts: [['counter', 1, 0]] },
  { kind: 'STRUCT', name: 'outermost', parts: [['outer', 8, 128]] },
];

describe('BtfTypes', () => {
  const types = BtfTypes.read(btfOf(nested)) as BtfTypes;

  it('finds a struct, and nothing else, by exactly its name', () => {
    expect(types.structId('inner')).toBe(5);
    expect(types.structId('outer')).toBe(8);
    for (const name of ['oute', 'outer_function', 'u16', 'none']) expect(types.structId(name)).toBeUndefined();
  });

  it.each([
    ['first', { offset: 0, type: 1 }],
    ['here', { offset: 8, type: 6 }],
    ['here.port', { offset: 8 + 2, type: 2 }],
    ['here.counter', { offset: 8 + 8, type: 1 }],
    ['there', { offset: 24, type: 7 }],
  ])('finds %s at its place in the outermost struct', (path, member) => {
    expect(types.memberAt(8, path)).toEqual(member);
    expect(types.memberAt(11, `outer.${path}`)).toEqual({ ...member, offset: 16 + member.offset });
  });

  it.each(['here.none', 'none.port', 'first.port', 'here.port.none', 'there.port'])("does not find '%s'", (path) => {
    expect(types.memberAt(8, path)).toBeUndefined();
  });

  it('tells the size of an integer, also behind a typedef, and of nothing else', () => {
    expect([1, 2, 3].map((id) => types.integerSize(id))).toEqual([8, 2, 2]);
    for (const id of [0, 4, 5, 7, 9, 999]) expect(types.integerSize(id)).toBeUndefined();
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
