import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { setKeepAlive } from '../../src/index.js';
import {
  checkPeers,
  destroyConnections,
  dumpConnections,
  listConnections,
  parseSelection,
  readRecord,
  reapPeers,
  setConnections,
  undoChanges,
} from '../../src/linux.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';

describe('a wrong value', () => {
  it.each([
    [{ state: ['established'] }, /state must be an array of states.*'ESTABLISHED'.*got "established"/],
    [{ state: 'ESTABLISHED' }, /state must be an array/],
    [{ pid: ['123'] }, /pid must be an array of process ids such as \[4711\], got "123"/],
    [{ pid: 1 }, /pid must be an array of process ids.*got 1/],
    [{ port: 5432 }, /port must be an array of ranges.*got 5432/],
    [{ port: [{ end: 'local' }] }, /port must be an array of ranges.*got an object/],
    [{ process: 'node' }, /process must be an array of names.*got "node"/],
    [{ verdict: ['unprotecte'] }, /verdict must be.*did you mean "unprotected"/],
    [{ remote: ['10.0.0.0/8'] }, /remote must be an array of blocks/],
    [{ local: ['10.0.0.0/8'] }, /local must be an array of blocks/],
    [{ silentFor: ['10m'] }, /silentFor must be an array of milliseconds such as \[600000\], got "10m"/],
    [{ silentFor: 600_000 }, /silentFor must be an array of milliseconds/],
    [{ unanswered: ['yes'] }, /unanswered must be true or false, got an array/],
    [{ command: '*' }, /command must be an array of command lines/],
    [{ cgroup: ['system.slice'] }, /cgroup must be an array of paths/],
  ])('of a filter is refused: %j', async (selection, message) => {
    expect(() => listConnections({ selection: selection as never })).toThrow(message);
    expect(() => setConnections({ selection: selection as never }, '30:5:3')).toThrow(message);
    await expect(checkPeers({ selection: selection as never })).rejects.toThrow(message);
  });

  it.each([
    [null, /policy must be/],
    [{ userTimeout: 'auto', idle: 500 }, /idle must be/],
    [{ userTimeout: 'auto', count: 0 }, /count must be/],
    [
      {
        get userTimeout() {
          throw new Error('a trap');
        },
      },
      /reading its fields threw an error/,
    ],
    [{ userTimeout: 'automatic' }, /userTimeout must be/],
  ])('of a policy that leaves numbers open is refused: %#', (policy, message) => {
    const query = { selection: parseSelection({ pid: String(process.pid), port: '1' }) };
    expect(() => setConnections(query, policy as never)).toThrow(message);
    expect(() => setConnections(query, { count: 3 }, { onlyNumbers: 'yes' as never })).toThrow(/onlyNumbers/);
  });

  it.each([
    [() => listConnections({ optionSource: 'tcp-iteratr' as never }), /optionSource.*did you mean "tcp-iterator"/],
    [
      () => listConnections({ withinMs: '60s' as never }),
      /withinMs must be a number of milliseconds above 0, got "60s"/,
    ],
    [() => listConnections({ allNetns: 'no' as never }), /allNetns must be true or false, got "no"/],
    [() => listConnections(null as never), /must be given an object/],
    [() => setConnections({ all: 'false' as never }, '30:5:3'), /all must be true or false/],
    [() => setConnections({ all: true }, '30:5:3', { dryRun: 1 as never }), /dryRun must be true or false/],
    [() => dumpConnections({ states: ['ESTABLISHD' as never] }), /did you mean "ESTABLISHED"/],
    [() => dumpConnections({ filter: { kind: 'port' } as never }), /filter must be a DiagFilter, got an object/],
    [() => dumpConnections({ netns: -1 }), /netns must be a path/],
    [() => destroyConnections({ connections: [] } as never), /connections must be an array of connections/],
    [() => destroyConnections([{}] as never), /connections must be an array of connections/],
    [() => readRecord(undefined as never), /file must be the path of a file/],
    [() => undoChanges(undefined as never, 'a record'), /a record must be what/],
  ])('of an option is refused: %s', (call, message) => {
    expect(call).toThrow(message);
  });

  it.each([{ peers: [] }, [{}], [{ row: { connection: {} }, answer: 'alive', askedAt: 1 }]])(
    'closes nothing: %j',
    async (peers) => {
      await expect(reapPeers(peers as never)).rejects.toThrow(/reapPeers: peers must be the silent peers of a check/);
    },
  );
});

describe('a signal', () => {
  it('is refused if it is none', async () => {
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    await expect(checkPeers({}, { signal: {} as never })).rejects.toMatchObject(refused);
    await expect(reapPeers([], { signal: true as never })).rejects.toMatchObject(refused);
  });

  it('that has aborted ends a check and a reaping with its reason', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(checkPeers({}, { signal })).rejects.toBe(reason);
    await expect(reapPeers([], { signal })).rejects.toBe(reason);
  });

  it('ends a check that waits, promptly, and leaves the options as they were', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:9');
    using _crash = crashPeer(pair.server);
    await setTimeout(1100);
    const port = pair.client.localPort as number;
    const selection = { port: [{ end: 'local', first: port, last: port } as const] };
    const before = listConnections({ selection }).rows[0]?.keepAlive;
    const controller = new AbortController();
    const startedAt = performance.now();
    void setTimeout(100).then(() => controller.abort(new Error('enough')));
    await expect(checkPeers({ selection }, { timeout: '30s', signal: controller.signal })).rejects.toThrow('enough');
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(listConnections({ selection }).rows[0]?.keepAlive).toEqual(before);
  });
});

it('names in incomplete only what the rows lack', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const selection = { pid: [process.pid], port: [{ end: 'local', first: port, last: port } as const] };
  const { rows, incomplete } = listConnections({ selection });
  expect(rows).toMatchObject([{ keepAlive: { enabled: false }, process: { pid: process.pid } }]);
  expect(incomplete).toEqual([]);
  server.close();
});
