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
 */
interface Sections {
  /** The types, as 32-bit words. */
  readonly types: Uint32Array;
  readonly strings: Uint8Array;
}

const BTF_MAGIC = 0xeb9f;
const headerLength = 24;
const BTF_KIND_FUNC = 12;

/** Words that follow a `struct btf_type`, by kind: some, and some for each of its `vlen` members. */
const wordsAfter: readonly (readonly [fixed: number, each: number] | undefined)[] = [
  undefined, // 0 is `void`, which no type has
  [1, 0], // INT
  [0, 0], // PTR
  [3, 0], // ARRAY
  [0, 3], // STRUCT
  [0, 3], // UNION
  [0, 2], // ENUM
  [0, 0], // FWD
  [0, 0], // TYPEDEF
  [0, 0], // VOLATILE
  [0, 0], // CONST
  [0, 0], // RESTRICT
  [0, 0], // FUNC
  [0, 2], // FUNC_PROTO
  [1, 0], // VAR
  [0, 3], // DATASEC
  [0, 0], // FLOAT
  [1, 0], // DECL_TAG
  [0, 0], // TYPE_TAG
  [0, 3], // ENUM64
];

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

/**
 * Where a whole string begins in the string section, or -1: Boyer-Moore-Horspool, which looks at one byte in about as
 * many as the name is long, where the section has millions.
 */
function offsetOfString(strings: Uint8Array, text: string): number {
  const sought = new Uint8Array(text.length + 2);
  for (let index = 0; index < text.length; index += 1) sought[index + 1] = text.charCodeAt(index);
  const last = sought.length - 1;
  const skips = new Uint32Array(256).fill(sought.length);
  for (let index = 0; index < last; index += 1) skips[sought[index] as number] = last - index;
  for (let at = 0; at + last < strings.length; at += skips[strings[at + last] as number] as number) {
    let index = last;
    while (index >= 0 && strings[at + index] === sought[index]) index -= 1;
    if (index < 0) return at + 1;
  }
  return -1;
}

/**
 * Finds the type id of a function of the kernel by its name (ASCII), to attach a program to it.
 *
 * `undefined` when it has none of that name, or the bytes are no type information that is known here.
 */
export function btfFunctionId(btf: Uint8Array, name: string): number | undefined {
  const sections = sectionsOf(btf);
  if (sections === undefined) return undefined;
  const { types, strings } = sections;
  const nameOffset = offsetOfString(strings, name);
  if (nameOffset < 0) return undefined;
  // Ids count from 1: 0 is `void`.
  for (let at = 0, id = 1; at + 3 <= types.length; id += 1) {
    const info = types[at + 1] as number;
    const kind = (info >>> 24) & 0x1f;
    if (kind === BTF_KIND_FUNC && types[at] === nameOffset) return id;
    const words = wordsAfter[kind];
    if (words === undefined) return undefined;
    at += 3 + words[0] + words[1] * (info & 0xffff);
  }
  return undefined;
}
