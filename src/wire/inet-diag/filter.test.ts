import { describe, expect, it } from 'vitest';
import { type AddressPrefix, parseAddressPrefix } from '../ip-address.js';
import { type DiagFilter, encodeDiagFilter } from './filter.js';

const words = (filter: DiagFilter) => Buffer.from(encodeDiagFilter(filter)).toString('hex').match(/.{8}/g);
const port = (kind: 'local-port' | 'remote-port', from: number, to = from): DiagFilter => ({ kind, from, to });
const prefix = (text: string) => parseAddressPrefix(text) as AddressPrefix;

describe('encodeDiagFilter', () => {
  it('assembles ports', () => {
    expect(words(port('local-port', 443))).toEqual(['0b080c00', '0000bb01']);
    expect(words(port('remote-port', 80))).toEqual(['0c080c00', '00005000']);
    expect(words(port('local-port', 1024, 65535))).toEqual(['02081400', '00000004', '03080c00', '0000ffff']);
    expect(words(port('remote-port', 0, 9))).toEqual(['04081400', '00000000', '05080c00', '00000900']);
  });

  it('assembles addresses', () => {
    expect(words({ kind: 'remote-address', prefix: prefix('10.0.0.0/8') })).toEqual([
      '08101400',
      '02080000',
      'ffffffff',
      '0a000000',
    ]);
    expect(words({ kind: 'local-address', prefix: prefix('2001:db8::/32') })).toEqual([
      '071c2000',
      '0a200000',
      'ffffffff',
      '20010db8',
      '00000000',
      '00000000',
      '00000000',
    ]);
  });

  it('assembles a cgroup', () => {
    expect(words({ kind: 'cgroup', id: 0x1122334455667788n })).toEqual(['0d0c1000', '88776655', '44332211']);
  });

  it('rejects past the end of everything in an "and"', () => {
    const filter: DiagFilter = {
      kind: 'and',
      of: [port('local-port', 1), port('local-port', 2), port('remote-port', 3)],
    };
    expect(words(filter)).toEqual(['0b081c00', '00000100', '0b081400', '00000200', '0c080c00', '00000300']);
  });

  it('jumps over the rest of an "or"', () => {
    const filter: DiagFilter = {
      kind: 'or',
      of: [port('local-port', 1), port('local-port', 2), port('remote-port', 3)],
    };
    expect(words(filter)).toEqual([
      '0b080c00',
      '00000100',
      '01041800', // over all that follows
      '0b080c00',
      '00000200',
      '01040c00',
      '0c080c00',
      '00000300',
    ]);
  });

  it('turns a "not" round', () => {
    expect(words({ kind: 'not', of: port('local-port', 1) })).toEqual(['0b080c00', '00000100', '01040800']);
  });

  it('keeps IPv4-mapped addresses out of an IPv6 prefix that holds them', () => {
    const program = words({ kind: 'remote-address', prefix: prefix('::/0') });
    expect(program).toHaveLength(7 + 4 + 1);
    expect(program?.slice(7)).toEqual(['08101400', '02000000', 'ffffffff', '00000000', '01040800']);
  });

  const ports = (count: number) => Array.from({ length: count }, (_, index) => port('local-port', index));

  it.each([
    ['a port below 0', port('local-port', -1), /a port range must lie in 0 to 65535/],
    ['a port past the last', port('local-port', 65536), /a port range must lie in 0 to 65535/],
    ['an empty range', port('local-port', 2, 1), /not be empty, got 2 to 1/],
    ['half a port', port('local-port', 1.5), /a port range/],
    ['an empty "and"', { kind: 'and', of: [] }, /'and' needs at least one condition/],
    ['an empty "or"', { kind: 'or', of: [] }, /'or' needs at least one condition/],
    [
      'a prefix longer than its address',
      { kind: 'local-address', prefix: { family: 4, address: new Uint8Array(4), length: 33 } },
      /a prefix of 33 bits does not fit an IPv4 address of 4 bytes/,
    ],
    ['6,000 alternatives', { kind: 'or', of: ports(6000) }, /65528 bytes/],
    ['9,000 conditions', { kind: 'and', of: ports(9000) }, /65528 bytes/],
  ] as [string, DiagFilter, RegExp][])('refuses %s', (_, filter, message) => {
    expect(() => encodeDiagFilter(filter)).toThrow(message);
  });
});
