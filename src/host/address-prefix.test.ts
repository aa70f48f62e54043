import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin, parseAddress, parsePrefix } from './address-prefix.js';

/** What Node.js itself says. */
function blockListSays(address: string, network: string, length: number): boolean {
  const list = new BlockList();
  list.addSubnet(network, length, isIP(network) === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

function matches(address: string, prefix: string): boolean {
  const [words, block] = [parseAddress(address), parsePrefix(prefix)];
  if (words === undefined || block === undefined) throw new Error(`${address} or ${prefix} is not read`);
  return isWithin(words, block);
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

const formatIPv4 = (bytes: number[]) => bytes.join('.');
const formatIPv6 = (bytes: number[]) =>
  [0, 2, 4, 6, 8, 10, 12, 14]
    .map((at) => ((bytes[at] as number) * 256 + (bytes[at + 1] as number)).toString(16))
    .join(':');

describe('isWithin', () => {
  it('agrees with BlockList on IPv4', () => {
    fc.assert(
      fc.property(neighbours(4, formatIPv4), ({ address, network, length }) => {
        expect(matches(address, `${network}/${length}`)).toBe(blockListSays(address, network, length));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with BlockList on IPv6', () => {
    fc.assert(
      fc.property(neighbours(16, formatIPv6), ({ address, network, length }) => {
        expect(matches(address, `${network}/${length}`)).toBe(blockListSays(address, network, length));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with BlockList on any way to write an IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), fc.integer({ min: 0, max: 128 }), (address, network, length) => {
        fc.pre(parseAddress(address)?.length === 4 && parseAddress(network)?.length === 4);
        expect(matches(address, `${network}/${length}`)).toBe(blockListSays(address, network, length));
        expect(matches(address, address)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes IPv4-mapped for IPv4, on either side', () => {
    fc.assert(
      fc.property(neighbours(4, formatIPv4), ({ address, network, length }) => {
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

describe('parsePrefix', () => {
  it.each([
    '',
    'example.com',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    '010.0.0.1',
    '::/129',
    '::ffff:10.0.0.0/95',
    'fe80::1%eth0',
    ':::',
  ])('refuses %j', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it.each([
    ['10.1.2.3', { family: 4, words: [0x0a010203], length: 32 }],
    ['::1', { family: 6, words: [0, 0, 0, 1], length: 128 }],
    ['::ffff:10.0.0.0/104', { family: 4, words: [0x0a000000], length: 8 }],
    ['2001:db8::192.0.2.1/32', { family: 6, words: [0x20010db8, 0, 0, 0xc0000201], length: 32 }],
  ])('reads %s', (text, prefix) => {
    expect(parsePrefix(text)).toEqual(prefix);
  });
});
