import { describe, expect, it } from 'vitest';
import { encodeClassicProgram, randomLossFilter } from './classic.js';

describe('randomLossFilter', () => {
  it('assembles to the bytes the kernel reads', () => {
    const hex = Buffer.from(encodeClassicProgram(randomLossFilter(0.25))).toString('hex');
    expect(hex.match(/.{16}/g)).toEqual([
      '2000000038f0ffff', // ld [SKF_AD_OFF + SKF_AD_RANDOM]
      '3500010000000040', // jge #0x40000000, keep, drop
      '0600000000000000', // ret #0
      '06000000ffffffff', // ret #0xffffffff
    ]);
  });

  it('keeps every packet at 0 and none at 1', () => {
    expect(randomLossFilter(0)[1]?.k).toBe(0);
    expect(randomLossFilter(1)).toEqual([{ code: 0x06, jt: 0, jf: 0, k: 0 }]);
  });
});
