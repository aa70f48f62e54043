import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DescriptorCopies } from '../../src/host/options/descriptor-copies.js';
import { readOpenFiles } from '../../src/host/owners/open-files.js';
import { readBytesOption } from '../../src/native/socket/socket-options.js';
import { fdOf, hasRtoMax } from '../kernel/descriptor.js';
import { hasIPv6 } from '../peers.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import { type Holder, referenceTo, startHolder } from './options-holding.js';

function whyNot(): string | undefined {
  try {
    readOpenFiles().options();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const families: ('IPv4' | 'IPv6')[] = hasIPv6 ? ['IPv4', 'IPv6'] : ['IPv4'];
const own = net.createServer();
let holders: Holder[] = [];
// The comparison with the sysctls takes a socket of this namespace, which this process otherwise may lack.
await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
const reason = whyNot();
const missing = cannotRun(reason !== undefined, `open sockets cannot be looked at all at once: ${reason}`);
const network = ownNetwork();
const isAlone = cannotRun(network === undefined, 'no network namespace can be made');

beforeAll(async () => {
  const sysctls = 'sysctl -q net.ipv4.tcp_keepalive_time=111 net.ipv4.tcp_keepalive_intvl=7 && exec "$@"';
  holders = [startHolder(), ...(isAlone ? [] : [startHolder([...(network ?? []), 'sh', '-c', sysctls, 'sh'])])];
  await Promise.all(
    holders.map((holder) => holder.tell({ do: 'start', families: families.slice(0, 1), connections: 2 })),
  );
});

afterAll(async () => {
  await Promise.all(holders.map((holder) => holder.end()));
  own.close();
});

describe.skipIf(missing)('looking at all open sockets at once', () => {
  it.each([0, ...(isAlone ? [] : [1])])('says what getsockopt says, in namespace %i', async (index) => {
    const holder = holders[index] as Holder;
    await holder.tell({
      do: 'set',
      name: 'IPv4 1 client',
      policy: { idle: '77s', interval: '3s', count: 9, userTimeout: 1234, ...(hasRtoMax ? { rtoMax: 2500 } : {}) },
    });
    await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle: 32_767_000 } });
    const sockets = await holder.tell({ do: 'set', name: 'IPv4 2 client', policy: false });
    expect(sockets.size).toBeGreaterThanOrEqual(5);
    const seen = readOpenFiles().options();
    for (const { cookie, state } of sockets.values()) expect(seen.get(BigInt(cookie))).toEqual(state);
    expect(sockets.get('IPv4 1 client')?.state).toMatchObject({ idle: 77_000, userTimeout: 1234 });
    expect(sockets.get('IPv4 listener')?.state.idle).toBe(index === 1 ? 111_000 : 7_200_000);
  });

  it('gives many sockets the states that copies would give, and names the ones that nobody has', async () => {
    const sockets = await (holders[0] as Holder).tell({ do: 'look' });
    const references = [...sockets.values()].map((socket) => referenceTo(holders[0] as Holder, socket));
    const nobody = { cookie: 1n, holders: [] };
    const few = new DescriptorCopies().read([...references, nobody]);
    const filler = Array.from({ length: 2000 }, () => references[0] as (typeof references)[0]);
    const many = new DescriptorCopies().read([...references, ...filler, nobody]);
    expect(many.incomplete).toEqual(few.incomplete);
    expect(few.incomplete).toMatchObject([{ what: 'the options of 1 connection' }]);
    expect(few.states.size).toBe(sockets.size);
    for (const { cookie } of references) expect(many.states.get(cookie)).toEqual(few.states.get(cookie));
  });

  it('knows nothing of a socket that is closed', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bytes = readBytesOption(fdOf(server), { name: 'SO_COOKIE', level: 1, option: 57 }, 8);
    const cookie = new DataView(bytes.buffer).getBigUint64(0, true);
    expect(readOpenFiles().options().get(cookie)).toMatchObject({ enabled: false });
    await new Promise((resolve) => server.close(resolve));
    expect(readOpenFiles().options().get(cookie)).toBeUndefined();
  });
});

it('is refused without privileges, and copies then do the work', async () => {
  const refused = await runProgram<{ error: string; states: number }>(
    new URL('open-files-outsider.ts', import.meta.url),
  );
  expect(refused.states).toBe(1);
  expect(refused.error).toMatch(/EPERM|not supported here|EACCES/);
});
