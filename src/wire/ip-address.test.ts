import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIPv4, formatIPv6, isWithin, parseAddress, parseAddressPrefix } from './ip-address.js';

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
    ['::ffff:0:0/96', 4, [0, 0, 0, 0], 0],
    ['2001:DB8::192.0.2.1/32', 6, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1], 32],
    ['1:2:3:4:5:6:7::', 6, [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0], 128],
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
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    '::1/129',
    '::ffff:10.0.0.0/95',
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
        expect(parseAddress(text)).toEqual(parseAddressPrefix(text)?.address);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('parseAddress', () => {
  it.each([
    ['192.0.2.1', [192, 0, 2, 1]],
    ['::ffff:192.0.2.1', [192, 0, 2, 1]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('reads %s', (text, bytes) => {
    expect(parseAddress(text)).toEqual(Uint8Array.from(bytes));
  });

  it.each(['10.0.0.0/8', '::/0', 'localhost', ''])("refuses '%s'", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

/** What Node.js itself says. */
function blockListSays(address: string, network: string, length: number): boolean {
  const list = new BlockList();
  list.addSubnet(network, length, isIP(network) === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

function matches(address: string, prefix: string): boolean {
  const [bytes, block] = [parseAddress(address), parseAddressPrefix(prefix)];
  if (bytes === undefined || block === undefined) throw new Error(`${address} or ${prefix} is not read`);
  return isWithin(bytes, block);
}

/** An address, and one that differs from it in one bit at most, so that blocks of every length hold and miss it. */
function neighbours(bytes: number, format: (bytes: number[]) => string) {
  return fc
    .tuple(
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: bytes, maxLength: bytes }),
      fc.integer({ min: 0, max: bytes * 8 }),
      fc.integer({ min: 0, max: bytes * 8 }),
    )
    .map(([address, flipped, length]) => {
      const other = address.map((byte, at) => (flipped >> 3 === at ? byte ^ (0x80 >> (flipped & 7)) : byte));
      return { address: format(address), network: format(other), length };
    });
}

const dotted = (bytes: number[]) => bytes.join('.');
const inGroups = (bytes: number[]) =>
  [0, 2, 4, 6, 8, 10, 12, 14]
    .map((at) => ((bytes[at] as number) * 256 + (bytes[at + 1] as number)).toString(16))
    .join(':');

describe('isWithin', () => {
  it('agrees with BlockList on IPv4', () => {
    fc.assert(
      fc.property(neighbours(4, dotted), ({ address, network, length }) => {
        expect(matches(address, `${network}/${length}`)).toBe(blockListSays(address, network, length));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with BlockList on IPv6', () => {
    fc.assert(
      fc.property(neighbours(16, inGroups), ({ address, network, length }) => {
        expect(matches(address, `${network}/${length}`)).toBe(blockListSays(address, network, length));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with BlockList on any way to write an IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), fc.integer({ min: 0, max: 128 }), (address, network, length) => {
        fc.pre(parseAddress(address)?.length === 16 && parseAddress(network)?.length === 16);
        expect(matches(address, `${network}/${length}`)).toBe(blockListSays(address, network, length));
        expect(matches(address, address)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes IPv4-mapped for IPv4, on either side', () => {
    fc.assert(
      fc.property(neighbours(4, dotted), ({ address, network, length }) => {
        const expected = blockListSays(address, network, length);
        expect(matches(`::ffff:${address}`, `${network}/${length}`)).toBe(expected);
        expect(matches(address, `::ffff:${network}/${96 + length}`)).toBe(expected);
      }),
    );
  });

  it('keeps IPv4 out of ::/0 and IPv6 out of 0.0.0.0/0', () => {
    expect(matches('10.1.2.3', '::/0')).toBe(false);
    expect(matches('2001:db8::1', '0.0.0.0/0')).toBe(false);
    expect(matches('10.1.2.3', '0.0.0.0/0')).toBe(true);
  });
});
