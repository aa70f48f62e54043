import { once } from 'node:events';
import net from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allStates, dumpConnections } from '../../src/host/dump/dump.js';
import type { HostConnection } from '../../src/host/list/connection.js';
import { type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import type { DiagFilter } from '../../src/wire/inet-diag/filter.js';
import { type AddressPrefix, parseAddressPrefix } from '../../src/wire/ip-address.js';
import { openSocketInodes } from '../kernel/proc.js';
import { hasIPv6 } from '../peers.js';

const pairs: LoopbackPair[] = [];
const servers: net.Server[] = [];
let ours: ReadonlySet<number>;
let inodes: ReadonlySet<string>;

beforeAll(async () => {
  for (const family of hasIPv6 ? ([4, 4, 6, 6] as const) : ([4, 4, 4, 4] as const)) {
    pairs.push(await loopbackPair({ family }));
  }
  const server = net.createServer((socket) => socket.on('error', () => {}));
  servers.push(server);
  server.listen(0, hasIPv6 ? '::' : '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = net.connect(port, '127.0.0.1');
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  const close = () => {
    client.destroy();
    accepted.destroy();
  };
  pairs.push({ client, server: accepted, close, [Symbol.dispose]: close });
  ours = new Set(pairs.flatMap(({ client }) => [client.localPort as number, client.remotePort as number]));
  inodes = new Set(openSocketInodes());
});

afterAll(() => {
  for (const pair of pairs) pair.close();
  for (const server of servers) server.close();
});

const prefixes = [
  '0.0.0.0/0',
  '127.0.0.0/8',
  '127.0.0.1',
  '127.0.0.2/31',
  '10.0.0.0/8',
  '::/0',
  '::1',
  '::/127',
  '::2',
  '::/96',
];
const prefixOf = (text: string) => parseAddressPrefix(text) as AddressPrefix;

/** Our own sockets, which stay as they are; others of the machine come and go. */
function list(filter?: DiagFilter): HostConnection[] {
  const query = filter === undefined ? { states: allStates } : { states: allStates, filter };
  const { connections } = dumpConnections(query);
  return connections.filter(({ local, inode }) => ours.has(local.port) && inodes.has(String(inode)));
}

const bitsOf = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');

function isWithin(text: string, { family, address, length }: AddressPrefix): boolean {
  const parsed = prefixOf(text);
  return parsed.family === family && bitsOf(parsed.address).startsWith(bitsOf(address).slice(0, length));
}

/** What a filter means, of what is shown. */
function matches(filter: DiagFilter, row: HostConnection): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.every((part) => matches(part, row));
    case 'or':
      return filter.of.some((part) => matches(part, row));
    case 'not':
      return !matches(filter.of, row);
    case 'local-port':
      return row.local.port >= filter.from && row.local.port <= filter.to;
    case 'remote-port':
      return row.remote.port >= filter.from && row.remote.port <= filter.to;
    case 'local-address':
      return isWithin(row.local.address, filter.prefix);
    case 'remote-address':
      return isWithin(row.remote.address, filter.prefix);
    case 'cgroup':
      return row.cgroupId === filter.id;
  }
}

const ends = (rows: HostConnection[]) =>
  rows.map(({ local, remote }) => `${local.address} ${local.port} ${remote.address} ${remote.port}`).sort();

const port = fc.nat(9).map((index) => [...ours][index % ours.size] as number);
const condition: fc.Arbitrary<DiagFilter> = fc.oneof(
  fc.record({ kind: fc.constantFrom('local-port', 'remote-port'), from: port }).map(({ kind, from }) => {
    return { kind, from, to: from } as DiagFilter;
  }),
  fc
    .record({ kind: fc.constantFrom('local-port', 'remote-port'), one: fc.oneof(port, fc.nat(65535)), other: port })
    .map(({ kind, one, other }) => ({ kind, from: Math.min(one, other), to: Math.max(one, other) }) as DiagFilter),
  fc
    .record({ kind: fc.constantFrom('local-address', 'remote-address'), text: fc.constantFrom(...prefixes) })
    .map(({ kind, text }) => ({ kind, prefix: prefixOf(text) }) as DiagFilter),
);

const { filter: anyFilter } = fc.letrec<{ filter: DiagFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    condition,
    fc.record({ kind: fc.constant('not' as const), of: tie('filter') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('filter'), { minLength: 1, maxLength: 4 }),
    }),
  ),
}));

describe('the kernel filters as a filter says', () => {
  it('whatever conditions are combined', () => {
    const all = list();
    expect(all.length).toBeGreaterThanOrEqual(11);
    const isOurs: DiagFilter = { kind: 'or', of: [...ours].map((from) => ({ kind: 'local-port', from, to: from })) };
    let selective = 0;
    fc.assert(
      fc.property(anyFilter, (filter) => {
        const expected = all.filter((row) => matches(filter, row));
        if (expected.length > 0 && expected.length < all.length) selective++;
        // Without the sockets of others, which may be many.
        expect(ends(list({ kind: 'and', of: [filter, isOurs] }))).toEqual(ends(expected));
      }),
      { numRuns: 400 },
    );
    expect(selective).toBeGreaterThan(50);
  });

  it('by the end of one connection', () => {
    const { localPort = 0, remotePort = 0 } = (pairs[0] as LoopbackPair).client;
    const filter: DiagFilter = {
      kind: 'and',
      of: [
        { kind: 'local-port', from: localPort, to: localPort },
        { kind: 'remote-port', from: remotePort, to: remotePort },
      ],
    };
    expect(ends(list(filter))).toEqual([`127.0.0.1 ${localPort} 127.0.0.1 ${remotePort}`]);
  });

  it('by cgroup', () => {
    const [row] = list();
    const id = row?.cgroupId ?? 0n;
    expect(id).toBeGreaterThan(0n);
    expect(list({ kind: 'cgroup', id })).toHaveLength(list().length);
    expect(list({ kind: 'cgroup', id: id + 0x1_0000_0000n })).toEqual([]);
    expect(list({ kind: 'not', of: { kind: 'cgroup', id } })).toEqual([]);
  });

  it('with thousands of alternatives', () => {
    const of = Array.from({ length: 3000 }, (_, index): DiagFilter => ({ kind: 'local-port', from: index, to: index }));
    const last = [...ours][0] as number;
    const filter: DiagFilter = { kind: 'or', of: [...of, { kind: 'local-port', from: last, to: last }] };
    const inRange = (number: number) => number < 3000 || number === last;
    expect(ends(list(filter))).toEqual(ends(list().filter(({ local }) => inRange(local.port))));
  });
});
