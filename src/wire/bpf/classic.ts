/**
 * One instruction of classic BPF, from include/uapi/linux/filter.h:
 *
 *     struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; };
 */
export interface ClassicInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** include/uapi/linux/bpf_common.h */
const BPF_LD_W_ABS = 0x20;
const BPF_JMP_JGE_K = 0x35;
const BPF_RET_K = 0x06;

/** include/uapi/linux/filter.h: ancillary data begins at SKF_AD_OFF; SKF_AD_RANDOM since Linux 4.0 (3.16 as BPF_S_ANC). */
const SKF_AD_OFF = -0x1000;
const SKF_AD_RANDOM = 56;

const keepWholePacket = 0xffffffff;
const dropPacket = 0;

/** Returns a socket filter that drops each packet with the probability `loss`, from 0 to 1. The kernel draws the numbers. */
export function randomLossFilter(loss: number): ClassicInstruction[] {
  const drop: ClassicInstruction = { code: BPF_RET_K, jt: 0, jf: 0, k: dropPacket };
  const threshold = Math.round(loss * 2 ** 32);
  if (threshold > 0xffffffff) return [drop];
  return [
    { code: BPF_LD_W_ABS, jt: 0, jf: 0, k: (SKF_AD_OFF + SKF_AD_RANDOM) >>> 0 },
    { code: BPF_JMP_JGE_K, jt: 1, jf: 0, k: threshold },
    drop,
    { code: BPF_RET_K, jt: 0, jf: 0, k: keepWholePacket },
  ];
}

/** Encodes instructions as the kernel reads them, eight bytes each. */
export function encodeClassicProgram(program: readonly ClassicInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach((instruction, index) => {
    view.setUint16(index * 8, instruction.code, true);
    view.setUint8(index * 8 + 2, instruction.jt);
    view.setUint8(index * 8 + 3, instruction.jf);
    view.setUint32(index * 8 + 4, instruction.k, true);
  });
  return bytes;
}
