/** Commands of bpf(2), from include/uapi/linux/bpf.h. BPF_LINK_CREATE since Linux 5.7, BPF_ITER_CREATE since 5.8. */
export const bpfCommands = {
  BPF_MAP_CREATE: 0,
  BPF_PROG_LOAD: 5,
  BPF_MAP_UPDATE_BATCH: 26,
  BPF_LINK_CREATE: 28,
  BPF_ITER_CREATE: 33,
} as const;

export type BpfCommand = keyof typeof bpfCommands;

/** More bytes of `union bpf_attr` than this package uses. The kernel treats missing bytes as zero. */
const length = 128;

/** BPF_OBJ_NAME_LEN, with the zero byte at the end. */
const nameLength = 16;

/** Encodes one member of `union bpf_attr` at a time, in the byte order of the machine. */
class Attributes {
  readonly bytes = new Uint8Array(new ArrayBuffer(length));
  readonly #view = new DataView(this.bytes.buffer);

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  address(offset: number, address: bigint): this {
    this.#view.setBigUint64(offset, address, true);
    return this;
  }

  name(offset: number, name: string): this {
    this.bytes.set(new TextEncoder().encode(name).subarray(0, nameLength - 1), offset);
    return this;
  }
}

/** The members for BPF_PROG_LOAD. Addresses are those of memory that stays valid during the call. */
export interface ProgramLoad {
  /** BPF_PROG_TYPE_... */
  readonly type: number;
  /** Letters, digits and underscores, at most 15, which `bpftool` shows. */
  readonly name: string;
  readonly instructions: bigint;
  readonly instructionCount: number;
  readonly license: bigint;
  /** BPF_..., for the verifier. */
  readonly attachType: number;
  /** The id of a kernel function in the kernel's type information. Default: none. */
  readonly attachBtfId?: number;
  /** Where the verifier writes its log. Default: no log. */
  readonly log?: { readonly address: bigint; readonly size: number };
}

/**
 * Encodes the attributes of BPF_PROG_LOAD.
 *
 *     struct {                      // include/uapi/linux/bpf.h, union bpf_attr
 *       __u32 prog_type;            //   0
 *       __u32 insn_cnt;             //   4
 *       __aligned_u64 insns;        //   8
 *       __aligned_u64 license;      //  16
 *       __u32 log_level;            //  24
 *       __u32 log_size;             //  28
 *       __aligned_u64 log_buf;      //  32
 *       __u32 kern_version;         //  40
 *       __u32 prog_flags;           //  44
 *       char prog_name[16];         //  48
 *       __u32 prog_ifindex;         //  64
 *       __u32 expected_attach_type; //  68
 *       ...
 *       __u32 attach_btf_id;        // 108
 *     };
 */
export function programLoad(program: ProgramLoad): Uint8Array {
  const attributes = new Attributes()
    .u32(0, program.type)
    .u32(4, program.instructionCount)
    .address(8, program.instructions)
    .address(16, program.license)
    .name(48, program.name)
    .u32(68, program.attachType)
    .u32(108, program.attachBtfId ?? 0);
  if (program.log !== undefined) attributes.u32(24, 1).u32(28, program.log.size).address(32, program.log.address);
  return attributes.bytes;
}

/** The members for BPF_MAP_CREATE. */
export interface MapCreate {
  readonly name: string;
  /** BPF_MAP_TYPE_... */
  readonly type: number;
  /** In bytes. */
  readonly keyLength: number;
  readonly valueLength: number;
  readonly maxEntries: number;
}

/**
 * Encodes the attributes of BPF_MAP_CREATE.
 *
 *     struct {
 *       __u32 map_type;    //  0
 *       __u32 key_size;    //  4
 *       __u32 value_size;  //  8
 *       __u32 max_entries; // 12
 *       __u32 map_flags;   // 16
 *       __u32 inner_map_fd;
 *       __u32 numa_node;
 *       char map_name[16]; // 28
 *     };
 */
export function mapCreate({ name, type, keyLength, valueLength, maxEntries }: MapCreate): Uint8Array {
  return new Attributes().u32(0, type).u32(4, keyLength).u32(8, valueLength).u32(12, maxEntries).name(28, name).bytes;
}

/** The members for BPF_MAP_UPDATE_BATCH, since Linux 5.6: keys are contiguous, and so are values. */
export interface MapUpdateBatch {
  readonly mapFd: number;
  readonly keys: bigint;
  readonly values: bigint;
  readonly count: number;
}

/**
 * Encodes the attributes of BPF_MAP_UPDATE_BATCH.
 *
 *     struct {
 *       __aligned_u64 in_batch;  //  0
 *       __aligned_u64 out_batch; //  8
 *       __aligned_u64 keys;      // 16
 *       __aligned_u64 values;    // 24
 *       __u32 count;             // 32
 *       __u32 map_fd;            // 36
 *       __u64 elem_flags;
 *       __u64 flags;
 *     } batch;
 */
export function mapUpdateBatch({ mapFd, keys, values, count }: MapUpdateBatch): Uint8Array {
  return new Attributes().address(16, keys).address(24, values).u32(32, count).u32(36, mapFd).bytes;
}

/** The members for BPF_LINK_CREATE. */
export interface LinkCreate {
  readonly programFd: number;
  /** BPF_... */
  readonly attachType: number;
}

/**
 * Encodes the attributes of BPF_LINK_CREATE.
 *
 *     struct {
 *       __u32 prog_fd;           //  0
 *       __u32 target_fd;         //  4
 *       __u32 attach_type;       //  8
 *       __u32 flags;             // 12
 *       __aligned_u64 iter_info; // 16
 *       __u32 iter_info_len;     // 24
 *     } link_create;
 */
export function linkCreate({ programFd, attachType }: LinkCreate): Uint8Array {
  return new Attributes().u32(0, programFd).u32(8, attachType).bytes;
}

/** Encodes the attributes of BPF_ITER_CREATE: `struct { __u32 link_fd; __u32 flags; } iter_create`. */
export function iteratorCreate(linkFd: number): Uint8Array {
  return new Attributes().u32(0, linkFd).bytes;
}
