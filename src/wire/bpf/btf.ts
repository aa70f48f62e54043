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
 * What follows it, of the kinds that are read here:
 *
 *     struct btf_member {        // each member of a STRUCT or UNION
 *       __u32 name_off;
 *       __u32 type;
 *       __u32 offset;            // in bits; with bit 31 of info: bits 0-23 that, 24-31 the size of a bit field
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
/** TYPEDEF, VOLATILE, CONST, RESTRICT and TYPE_TAG: they stand before the type that counts. */
const modifiers: ReadonlySet<number> = new Set([8, 9, 10, 11, 18]);

const typeWords = 3;
const memberWords = 3;
const parameterWords = 2;
const greatestVlen = 0xffff;

/** Words that follow a `struct btf_type`, by kind: some, and some for each of its `vlen` members. */
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

/** The same for the walk over all of the kernel's types, some 130,000. */
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

/** Where each type begins, in words, by its id: ids count from 1, 0 is `void`. Ends at a kind that is not known. */
function placesOf(types: Uint32Array): Uint32Array {
  const places = new Uint32Array(Math.floor(types.length / typeWords) + 1);
  let count = 1;
  for (let at = 0; at + typeWords <= types.length; count += 1) {
    const info = types[at + 1] as number;
    const kind = kindOf(info);
    if (kind === 0 || kind >= wordsAfter.length) break;
    places[count] = at;
    at += typeWords + (fixedWords[kind] as number) + (wordsEach[kind] as number) * (info & greatestVlen);
  }
  return places.subarray(0, count);
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
  /** How many bits of the byte at `offset`, and of those after it, stand before the value: the lowest bits first. */
  readonly shift: number;
  /** How many bits the value has; 0 for a member that is no bit field. */
  readonly bits: number;
}

/** How far a chain of modifiers is followed: the kernel's are short, and damaged ones may go round in circles. */
const greatestDepth = 16;

/** The same for the structs and unions without a name in a struct. */
const greatestNesting = 1000;

/** A member that begins with a byte and is no bit field. */
function wholeMember(field: BtfField | undefined): BtfMember | undefined {
  if (field === undefined || field.bits > 0 || field.shift > 0) return undefined;
  return { offset: field.offset, type: field.type };
}

/** The types of the kernel. */
export class BtfTypes {
  readonly #types: Uint32Array;
  readonly #strings: Uint8Array;
  readonly #places: Uint32Array;

  private constructor({ types, strings }: Sections) {
    this.#types = types;
    this.#strings = strings;
    this.#places = placesOf(types);
  }

  /** Reads type information, to which it refers from then on; `undefined` for bytes that are none that is known here. */
  static read(btf: Uint8Array): BtfTypes | undefined {
    const sections = sectionsOf(btf);
    return sections && new BtfTypes(sections);
  }

  /** The id of a function by its name (ASCII), to attach a program to it; `undefined` when there is none of that name. */
  functionId(name: string): number | undefined {
    return this.#idOf(BTF_KIND_FUNC, name);
  }

  /** The id of a struct by its name (ASCII); `undefined` when there is none of that name. */
  structId(name: string): number | undefined {
    return this.#idOf(BTF_KIND_STRUCT, name);
  }

  #idOf(kind: number, name: string): number | undefined {
    const types = this.#types;
    const places = this.#places;
    for (let id = 1; id < places.length; id += 1) {
      const at = places[id] as number;
      if (kindOf(types[at + 1] as number) === kind && this.#isNamed(types[at] as number, name)) return id;
    }
    return undefined;
  }

  /**
   * Finds a member by the names on the way to it, `'inet_conn.icsk_user_timeout'`, through structs that lie in one
   * another; its offset is from the beginning of the outermost.
   */
  memberAt(type: number, path: string): BtfMember | undefined {
    return wholeMember(this.fieldAt(type, path));
  }

  /** Finds a member as {@link memberAt} does, also a bit field. */
  fieldAt(type: number, path: string): BtfField | undefined {
    const [first = '', ...rest] = path.split('.');
    let found = this.#fieldOf(type, first);
    for (const name of rest) {
      // What a pointer points to lies somewhere else.
      const outer = wholeMember(found);
      const inner = outer && this.#memberOf(this.#plain(outer.type), name, new Set());
      found = inner && outer && { ...inner, offset: outer.offset + inner.offset };
    }
    return found;
  }

  /** The type of a parameter, the first being 0, of a function given by its id. */
  parameterType(functionId: number, index: number): number | undefined {
    const prototype = this.#kind(functionId) === BTF_KIND_FUNC ? this.#referred(functionId) : 0;
    if (this.#kind(prototype) !== BTF_KIND_FUNC_PROTO || index >= this.#vlen(prototype)) return undefined;
    return this.#types[(this.#places[prototype] as number) + typeWords + index * parameterWords + 1];
  }

  /**
   * Finds a member of a struct, or of what a pointer points to, also where it lies in a struct or union without a name.
   *
   * `undefined` when there is none of that name (ASCII), and for a bit field, which has no offset in bytes.
   */
  member(type: number, name: string): BtfMember | undefined {
    return wholeMember(this.#fieldOf(type, name));
  }

  #fieldOf(type: number, name: string): BtfField | undefined {
    let id = this.#plain(type);
    if (this.#kind(id) === BTF_KIND_PTR) id = this.#plain(this.#referred(id));
    return this.#memberOf(id, name, new Set());
  }

  /** Returns how many bytes an integer has, also behind a typedef; `undefined` if the type is no integer. */
  integerSize(type: number): number | undefined {
    const id = this.#plain(type);
    return this.#kind(id) === BTF_KIND_INT ? this.#referred(id) : undefined;
  }

  /** 0 for `void` and for what is no type. */
  #kind(id: number): number {
    return id > 0 && id < this.#places.length ? kindOf(this.#info(id)) : 0;
  }

  #info(id: number): number {
    return this.#types[(this.#places[id] as number) + 1] as number;
  }

  #vlen(id: number): number {
    return this.#info(id) & greatestVlen;
  }

  /** The type that a pointer, a modifier or a function refers to. */
  #referred(id: number): number {
    return this.#types[(this.#places[id] as number) + 2] as number;
  }

  #plain(type: number): number {
    let id = type;
    for (let depth = 0; depth < greatestDepth && modifiers.has(this.#kind(id)); depth += 1) id = this.#referred(id);
    return id;
  }

  /** Looks into each type once, which `seen` is for: damaged ones may hold themselves. */
  #memberOf(id: number, name: string, seen: Set<number>): BtfField | undefined {
    const kind = this.#kind(id);
    if (kind !== BTF_KIND_STRUCT && kind !== BTF_KIND_UNION) return undefined;
    if (seen.has(id) || seen.size === greatestNesting) return undefined;
    seen.add(id);
    const first = (this.#places[id] as number) + typeWords;
    const end = Math.min(first + this.#vlen(id) * memberWords, this.#types.length - memberWords + 1);
    for (let at = first; at < end; at += memberWords) {
      const nameOffset = this.#types[at] as number;
      if (this.#isNamed(nameOffset, name)) return this.#memberAt(at, id);
      const inner = nameOffset === 0 ? this.#innerMember(at, id, name, seen) : undefined;
      if (inner !== undefined) return inner;
    }
    return undefined;
  }

  /** The member at a word of a struct. */
  #memberAt(at: number, id: number): BtfField {
    const place = this.#types[at + 2] as number;
    const hasSizes = this.#info(id) >>> 31 !== 0;
    const first = hasSizes ? place & 0xff_ffff : place;
    const type = this.#types[at + 1] as number;
    return { offset: first >>> 3, shift: first % 8, bits: hasSizes ? place >>> 24 : 0, type };
  }

  #innerMember(at: number, id: number, name: string, seen: Set<number>): BtfField | undefined {
    const outer = wholeMember(this.#memberAt(at, id));
    const inner = outer && this.#memberOf(this.#plain(outer.type), name, seen);
    return inner && outer && { ...inner, offset: outer.offset + inner.offset };
  }

  #isNamed(nameOffset: number, name: string): boolean {
    const strings = this.#strings;
    // Few names have this length, so that decides most often.
    if (strings[nameOffset + name.length] !== 0) return false;
    for (let index = 0; index < name.length; index += 1) {
      if (strings[nameOffset + index] !== name.charCodeAt(index)) return false;
    }
    return true;
  }
}
