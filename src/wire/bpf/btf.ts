/**
 * The header of BPF type information, from include/uapi/linux/btf.h (since 4.18; of the kernel itself in
 * /sys/kernel/btf/vmlinux since 5.4):
 *
 *     struct btf_header {
 *       __u16 magic;      // 0, 0xeB9F
 *       __u8  version;    // 2
 *       __u8  flags;
 *       __u32 hdr_len;    // 4
 *       __u32 type_off;   // 8, from the end of the header, as str_off
 *       __u32 type_len;   // 12
 *       __u32 str_off;    // 16
 *       __u32 str_len;    // 20
 *     };
 *
 *     struct btf_type {
 *       __u32 name_off;
 *       __u32 info;       // bits 0-15 vlen, 24-28 kind
 *       union { __u32 size; __u32 type; };
 *     };
 *
 * The data after a `btf_type`, for the kinds that this module reads:
 *
 *     struct btf_member {        // each member of a STRUCT or UNION
 *       __u32 name_off;
 *       __u32 type;
 *       __u32 offset;            // in bits; with bit 31 of info: bits 0-23 the offset, 24-31 the size of a bit field
 *     };
 *     struct btf_param { __u32 name_off; __u32 type; };  // each of a FUNC_PROTO
 */
interface Sections {
  /** The types, as 32-bit words. */
  readonly types: Uint32Array;
  readonly strings: Uint8Array;
}

const BTF_MAGIC = 0xeb9f;
const headerLength = 24;

const BTF_KIND_INT = 1;
const BTF_KIND_PTR = 2;
const BTF_KIND_STRUCT = 4;
const BTF_KIND_UNION = 5;
const BTF_KIND_FUNC = 12;
const BTF_KIND_FUNC_PROTO = 13;
/** TYPEDEF, VOLATILE, CONST, RESTRICT and TYPE_TAG, which refer to another type. */
const modifiers: ReadonlySet<number> = new Set([8, 9, 10, 11, 18]);

const typeWords = 3;
const memberWords = 3;
const parameterWords = 2;
const greatestVlen = 0xffff;

/** The number of words after a `struct btf_type`, by kind: a fixed number, and a number for each of `vlen` members. */
const wordsAfter: readonly (readonly [fixed: number, each: number])[] = [
  [0, 0], // 0 is `void`, which no type has
  [1, 0], // INT
  [0, 0], // PTR
  [3, 0], // ARRAY
  [0, memberWords], // STRUCT
  [0, memberWords], // UNION
  [0, 2], // ENUM
  [0, 0], // FWD
  [0, 0], // TYPEDEF
  [0, 0], // VOLATILE
  [0, 0], // CONST
  [0, 0], // RESTRICT
  [0, 0], // FUNC
  [0, parameterWords], // FUNC_PROTO
  [1, 0], // VAR
  [0, 3], // DATASEC
  [0, 0], // FLOAT
  [1, 0], // DECL_TAG
  [0, 0], // TYPE_TAG
  [0, 3], // ENUM64
];

/** The same numbers in typed arrays, for the pass through all types of the kernel, some 130,000. */
const fixedWords = Uint8Array.from(wordsAfter, ([fixed]) => fixed);
const wordsEach = Uint8Array.from(wordsAfter, ([, each]) => each);

function sectionsOf(btf: Uint8Array): Sections | undefined {
  if (btf.length < headerLength) return undefined;
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  if (view.getUint16(0, true) !== BTF_MAGIC) return undefined;
  const base = view.getUint32(4, true);
  const typesAt = base + view.getUint32(8, true);
  const typesEnd = typesAt + view.getUint32(12, true);
  const stringsAt = base + view.getUint32(16, true);
  const stringsEnd = stringsAt + view.getUint32(20, true);
  if (typesEnd > btf.length || stringsEnd > btf.length) return undefined;
  const at = btf.byteOffset + typesAt;
  const words = (typesEnd - typesAt) >>> 2;
  const types =
    at % 4 === 0
      ? new Uint32Array(btf.buffer, at, words)
      : new Uint32Array(btf.slice(typesAt, typesAt + words * 4).buffer);
  return { types, strings: btf.subarray(stringsAt, stringsEnd) };
}

const kindOf = (info: number) => (info >>> 24) & 0x1f;

/** Returns the offset of each type in words, by id: ids count from 1, 0 is `void`. Ends at an unknown kind. */
function offsetsOf(types: Uint32Array): Uint32Array {
  const offsets = new Uint32Array(Math.floor(types.length / typeWords) + 1);
  let count = 1;
  for (let at = 0; at + typeWords <= types.length; count += 1) {
    const info = types[at + 1] as number;
    const kind = kindOf(info);
    if (kind === 0 || kind >= wordsAfter.length) break;
    offsets[count] = at;
    at += typeWords + (fixedWords[kind] as number) + (wordsEach[kind] as number) * (info & greatestVlen);
  }
  return offsets.subarray(0, count);
}

/** A member of a struct. */
export interface BtfMember {
  /** In bytes from the beginning of the struct. */
  readonly offset: number;
  /** The id of its type. */
  readonly type: number;
}

/** A member that may be a bit field. */
export interface BtfField extends BtfMember {
  /** The number of bits before the value, from the lowest bit of the byte at `offset`. */
  readonly shift: number;
  /** The number of bits of the value; 0 if the member is no bit field. */
  readonly bits: number;
}

/** The longest chain of modifiers to follow: the kernel's chains are short, and damaged chains may be circular. */
const greatestDepth = 16;

/** The greatest number of types in which one member is searched: a struct, and its structs and unions without a name. */
const greatestNesting = 1000;

/** Returns a member that begins with a byte and is no bit field. Returns undefined for any other. */
function wholeMember(field: BtfField | undefined): BtfMember | undefined {
  if (field === undefined || field.bits > 0 || field.shift > 0) return undefined;
  return { offset: field.offset, type: field.type };
}

/** The types of the kernel. */
export class BtfTypes {
  readonly #types: Uint32Array;
  readonly #strings: Uint8Array;
  readonly #offsets: Uint32Array;

  private constructor({ types, strings }: Sections) {
    this.#types = types;
    this.#strings = strings;
    this.#offsets = offsetsOf(types);
  }

  /** Reads type information, and keeps references to `btf`. Returns undefined if the format is unknown. */
  static read(btf: Uint8Array): BtfTypes | undefined {
    const sections = sectionsOf(btf);
    return sections && new BtfTypes(sections);
  }

  /** Returns the id of a function by name (ASCII), to attach a program. Returns undefined if there is none. */
  functionId(name: string): number | undefined {
    return this.#idOf(BTF_KIND_FUNC, name);
  }

  /** Returns the id of a struct by name (ASCII). Returns undefined if there is none. */
  structId(name: string): number | undefined {
    return this.#idOf(BTF_KIND_STRUCT, name);
  }

  #idOf(kind: number, name: string): number | undefined {
    const types = this.#types;
    const offsets = this.#offsets;
    for (let id = 1; id < offsets.length; id += 1) {
      const at = offsets[id] as number;
      if (kindOf(types[at + 1] as number) === kind && this.#isNamed(types[at] as number, name)) return id;
    }
    return undefined;
  }

  /**
   * Finds a member by the path of names through nested structs, such as `'inet_conn.icsk_user_timeout'`. The offset counts
   * from the beginning of the outermost struct.
   */
  memberAt(type: number, path: string): BtfMember | undefined {
    return wholeMember(this.fieldAt(type, path));
  }

  /** Finds a member as {@link memberAt} does, also a bit field. */
  fieldAt(type: number, path: string): BtfField | undefined {
    const [first = '', ...rest] = path.split('.');
    let found = this.#fieldOf(type, first);
    for (const name of rest) {
      // The target of a pointer is not part of the struct.
      const outer = wholeMember(found);
      const inner = outer && this.#memberOf(this.#plain(outer.type), name, new Set());
      found = inner && outer && { ...inner, offset: outer.offset + inner.offset };
    }
    return found;
  }

  /** Returns the type of a function's parameter; the first has index 0. Returns undefined if there is none. */
  parameterType(functionId: number, index: number): number | undefined {
    const prototype = this.#kind(functionId) === BTF_KIND_FUNC ? this.#referred(functionId) : 0;
    if (this.#kind(prototype) !== BTF_KIND_FUNC_PROTO || index >= this.#vlen(prototype)) return undefined;
    return this.#types[(this.#offsets[prototype] as number) + typeWords + index * parameterWords + 1];
  }

  /**
   * Finds a member by name (ASCII) in a struct or in the target of a pointer, also in structs and unions without a name.
   *
   * Returns undefined if there is none, and for a bit field, which has no offset in bytes.
   */
  member(type: number, name: string): BtfMember | undefined {
    return wholeMember(this.#fieldOf(type, name));
  }

  #fieldOf(type: number, name: string): BtfField | undefined {
    let id = this.#plain(type);
    if (this.#kind(id) === BTF_KIND_PTR) id = this.#plain(this.#referred(id));
    return this.#memberOf(id, name, new Set());
  }

  /** Returns the number of bytes of an integer, also behind a typedef. Returns undefined if the type is no integer. */
  integerSize(type: number): number | undefined {
    const id = this.#plain(type);
    return this.#kind(id) === BTF_KIND_INT ? this.#referred(id) : undefined;
  }

  /** Returns the kind of a type; 0 for `void` and for an unknown id. */
  #kind(id: number): number {
    return id > 0 && id < this.#offsets.length ? kindOf(this.#info(id)) : 0;
  }

  #info(id: number): number {
    return this.#types[(this.#offsets[id] as number) + 1] as number;
  }

  #vlen(id: number): number {
    return this.#info(id) & greatestVlen;
  }

  /** Returns the type that a pointer, a modifier or a function refers to, or the size of an integer. */
  #referred(id: number): number {
    return this.#types[(this.#offsets[id] as number) + 2] as number;
  }

  #plain(type: number): number {
    let id = type;
    for (let depth = 0; depth < greatestDepth && modifiers.has(this.#kind(id)); depth += 1) id = this.#referred(id);
    return id;
  }

  /** Finds a member, and searches each type once, by `seen`: damaged types may contain themselves. */
  #memberOf(id: number, name: string, seen: Set<number>): BtfField | undefined {
    const kind = this.#kind(id);
    if (kind !== BTF_KIND_STRUCT && kind !== BTF_KIND_UNION) return undefined;
    if (seen.has(id) || seen.size === greatestNesting) return undefined;
    seen.add(id);
    const first = (this.#offsets[id] as number) + typeWords;
    const end = Math.min(first + this.#vlen(id) * memberWords, this.#types.length - memberWords + 1);
    for (let at = first; at < end; at += memberWords) {
      const nameOffset = this.#types[at] as number;
      if (this.#isNamed(nameOffset, name)) return this.#memberAt(at, id);
      const inner = nameOffset === 0 ? this.#innerMember(at, id, name, seen) : undefined;
      if (inner !== undefined) return inner;
    }
    return undefined;
  }

  /** Decodes the member at a word of the types, which belongs to the struct `id`. */
  #memberAt(at: number, id: number): BtfField {
    const word = this.#types[at + 2] as number;
    const hasSizes = this.#info(id) >>> 31 !== 0;
    const first = hasSizes ? word & 0xff_ffff : word;
    const type = this.#types[at + 1] as number;
    return { offset: first >>> 3, shift: first % 8, bits: hasSizes ? word >>> 24 : 0, type };
  }

  #innerMember(at: number, id: number, name: string, seen: Set<number>): BtfField | undefined {
    const outer = wholeMember(this.#memberAt(at, id));
    const inner = outer && this.#memberOf(this.#plain(outer.type), name, seen);
    return inner && outer && { ...inner, offset: outer.offset + inner.offset };
  }

  #isNamed(nameOffset: number, name: string): boolean {
    const strings = this.#strings;
    // Few names have this length, so the length decides most often.
    if (strings[nameOffset + name.length] !== 0) return false;
    for (let index = 0; index < name.length; index += 1) {
      if (strings[nameOffset + index] !== name.charCodeAt(index)) return false;
    }
    return true;
  }
}
