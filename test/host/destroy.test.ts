import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { destroyConnections, destroyThrough } from '../../src/host/dump/destroy.js';
import { allStates, dumpConnections } from '../../src/host/dump/dump.js';
import type { HostConnection } from '../../src/host/list/connection.js';
import { SystemCallError, UnsupportedError } from '../../src/index.js';
import type { DiagnosisSocket } from '../../src/native/socket/netlink-socket.js';
import { loopbackPair } from '../../src/testing/index.js';
import { encodeMessage, NLMSG_ERROR } from '../../src/wire/netlink.js';
import { closing, connected, listening, portOf } from '../endpoints.js';
import { endOf, infoOf } from '../kernel/observation.js';
import { hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';

/** The rows of sockets of this test, and of none else: a port number alone may be another program's, too. */
function rowsOf(...sockets: net.Socket[]): HostConnection[] {
  const remotePorts = new Map(sockets.map(({ localPort, remotePort }) => [localPort, remotePort]));
  const { connections } = dumpConnections();
  return connections.filter(({ local, remote }) => remotePorts.get(local.port) === remote.port);
}

function canDestroy(): boolean {
  const nothing = { address: '127.0.0.1', port: 1 };
  const { netns } = dumpConnections({ states: allStates }).connections[0] ?? { netns: 0 };
  const target = {
    family: 4,
    local: nothing,
    remote: nothing,
    interfaceIndex: 0,
    cookie: 1n,
    netns,
    state: 'CLOSE',
  } as const;
  return destroyConnections([target])[0]?.outcome === 'gone';
}

const withoutRight = cannotRun(
  process.getuid?.() !== 0 || !canDestroy(),
  'closing others’ sockets needs CAP_NET_ADMIN',
);
const withoutIPv6 = cannotRun(!hasIPv6, 'it needs the address ::1');

describe('a connection that is destroyed', () => {
  it.skipIf(withoutRight)('ends at once, and once', async () => {
    using pair = await loopbackPair();
    const ends = [endOf(pair.client), endOf(pair.server)] as const;
    const [row] = rowsOf(pair.client) as [HostConnection];
    expect(destroyConnections([row])).toEqual([{ connection: row, outcome: 'destroyed' }]);
    expect((await ends[0]).code).toBe('ECONNABORTED');
    expect((await ends[1]).code).toBe('ECONNRESET');
    expect(destroyConnections([row])).toEqual([{ connection: row, outcome: 'gone' }]);
  });

  it.skipIf(withoutRight || withoutIPv6)('may be one over IPv6, or over IPv4 on an IPv6 socket', async () => {
    using pair = await loopbackPair({ family: 6 });
    const end = endOf(pair.client);
    expect(destroyConnections(rowsOf(pair.client))).toMatchObject([{ outcome: 'destroyed' }]);
    expect((await end).code).toBe('ECONNABORTED');

    const server = await listening(net.createServer(), '::');
    const [, socket] = await connected(server);
    const accepted = endOf(socket);
    const row = rowsOf(socket);
    expect(row).toMatchObject([{ family: 6, local: { address: '127.0.0.1' } }]);
    expect(destroyConnections(row)).toMatchObject([{ outcome: 'destroyed' }]);
    expect((await accepted).code).toBe('ECONNABORTED');
  });

  it.skipIf(withoutRight)('is never another one with the same addresses', async () => {
    using pair = await loopbackPair();
    const [row] = rowsOf(pair.client) as [HostConnection];
    const [result] = destroyConnections([{ ...row, cookie: row.cookie + 1n }]);
    expect(result?.outcome).toBe('gone');
    expect(infoOf(pair.client).state).toBe('ESTABLISHED');
  });

  it.skipIf(withoutRight)('may be one of many, in the order given', async () => {
    const server = await listening(net.createServer());
    const clients = Array.from({ length: 300 }, () => closing(net.connect(portOf(server), '127.0.0.1')));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    const rows = rowsOf(...clients);
    expect(rows).toHaveLength(300);
    // Every third of them is one that does not exist.
    const targets = rows.map((row, index) => (index % 3 === 0 ? { ...row, cookie: row.cookie ^ (1n << 60n) } : row));
    const results = destroyConnections(targets);
    expect(results.map(({ connection }) => connection)).toEqual(targets);
    expect(results.map(({ outcome }) => outcome)).toEqual(
      targets.map((_, index) => (index % 3 === 0 ? 'gone' : 'destroyed')),
    );
    expect(
      rowsOf(...clients)
        .map(({ cookie }) => cookie)
        .sort(),
    ).toEqual(
      rows
        .filter((_, index) => index % 3 === 0)
        .map(({ cookie }) => cookie)
        .sort(),
    );
  });

  it('must be of the namespace that is asked', async () => {
    using pair = await loopbackPair();
    const [row] = rowsOf(pair.client) as [HostConnection];
    expect(() => destroyConnections([row, { ...row, netns: 1 }])).toThrow(RangeError);
    expect(infoOf(pair.client).state).toBe('ESTABLISHED');
  });
});

describe('a kernel that does not destroy', () => {
  async function refusedWith(errno: number) {
    using pair = await loopbackPair();
    let sequence = 0;
    const open = (): DiagnosisSocket => ({
      send: (message) => {
        sequence = new DataView(message.buffer, message.byteOffset).getUint32(8, true);
      },
      receive: (buffer) => {
        const payload = new Uint8Array(20);
        new DataView(payload.buffer).setInt32(0, -errno, true);
        const answer = encodeMessage({ type: NLMSG_ERROR, flags: 0, sequence, payload });
        buffer.set(answer);
        return answer.length;
      },
      close: () => {},
    });
    return destroyThrough(open, rowsOf(pair.client))[0];
  }

  it('for want of a capability says which', async () => {
    const result = await refusedWith(1);
    expect(result?.outcome).toBe('failed');
    expect(result?.error).toBeInstanceOf(SystemCallError);
    expect(result?.error?.message).toMatch(/EPERM.*CAP_NET_ADMIN/);
  });

  it('because it cannot is unsupported', async () => {
    const result = await refusedWith(95);
    expect(result?.outcome).toBe('failed');
    expect(result?.error).toBeInstanceOf(UnsupportedError);
    expect(result?.error?.message).toMatch(/CONFIG_INET_DIAG_DESTROY/);
  });

  it('because the connection has ended says that it is gone', async () => {
    expect((await refusedWith(2))?.outcome).toBe('gone');
  });
});
