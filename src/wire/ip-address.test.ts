import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIPv4, formatIPv6, parseAddressPrefix } from './ip-address.js';

function textOf(groups: number[]): string {
  const view = new DataView(new ArrayBuffer(16));
  groups.forEach((group, index) => {
    view.setUint16(index * 2, group);
  });
  return formatIPv6(view, 0);
}

describe('formatIPv6', () => {
  // RFC 5952, section 4, each rule by its own example.
  it.each([
    [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
    [[0x2001, 0xdb8, 0, 0, 0, 0, 2, 1], '2001:db8::2:1'],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], '2001:db8:0:1:1:1:1:1'],
    [[0x2001, 0, 0, 1, 0, 0, 0, 1], '2001:0:0:1::1'],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], '2001:db8::1:0:0:1'],
    [[0xfe80, 0, 0, 0, 0xabc, 0xdef, 0, 0], 'fe80::abc:def:0:0'],
    [[1, 2, 3, 4, 5, 6, 0, 0], '1:2:3:4:5:6::'],
    [[0, 0, 0, 0, 0, 0, 0, 1], '::1'],
    [[0, 0, 0, 0, 0, 0, 0, 0], '::'],
    [[0xaaaa, 0xbbbb, 0xcccc, 0xdddd, 0xeeee, 0xffff, 0x1111, 0x2222], 'aaaa:bbbb:cccc:dddd:eeee:ffff:1111:2222'],
    [[0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], '192.0.2.1'],
    [[0, 0, 0, 0, 0, 0xfffe, 0xc000, 0x0201], '::fffe:c000:201'],
  ])('%j is %s', (groups, text) => {
    expect(textOf(groups)).toBe(text);
  });
});

describe('formatIPv4', () => {
  it.each([
    [0, '0.0.0.0'],
    [0x7f000001, '127.0.0.1'],
    [0xffffffff, '255.255.255.255'],
    [0xc0a80a0b, '192.168.10.11'],
  ])('%i is %s', (number, text) => {
    expect(formatIPv4(number)).toBe(text);
  });
});

describe('parseAddressPrefix', () => {
  it.each([
    ['10.0.0.0/8', 4, [10, 0, 0, 0], 8],
    ['192.0.2.1', 4, [192, 0, 2, 1], 32],
    ['0.0.0.0/0', 4, [0, 0, 0, 0], 0],
    ['::ffff:192.0.2.1', 4, [192, 0, 2, 1], 32],
    ['::ffff:192.0.2.0/120', 4, [192, 0, 2, 0], 24],
    ['::ffff:c000:201', 4, [192, 0, 2, 1], 32],
  ] as const)('%s', (text, family, address, length) => {
    expect(parseAddressPrefix(text)).toEqual({ family, address: Uint8Array.from(address), length });
  });

  it.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.01',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    '::1/129',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3',
    'g::',
    'localhost',
  ])("refuses '%s'", (text) => {
    expect(parseAddressPrefix(text)).toBeUndefined();
  });

  it('reads back every address that is formatted', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const address = bytes.map((byte, index) => (index % 3 === 0 ? byte : byte & 1 && byte));
        const text = formatIPv6(new DataView(address.buffer), 0);
        expect(isIP(text)).not.toBe(0);
        const parsed = parseAddressPrefix(text);
        expect(parsed?.address).toEqual(parsed?.family === 4 ? address.slice(12) : address);
      }),
    );
  });

  it('accepts just what Node.js accepts', () => {
    const piece = fc.constantFrom(':', '::', '.', '0', '1', 'ff', 'ffff', '255', '256', '12', 'a', '%');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const text = pieces.join('');
        const expected = text.includes('%') ? false : isIP(text) !== 0;
        expect(parseAddressPrefix(text) !== undefined).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});
