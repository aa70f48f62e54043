import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recordOf } from '../../src/host/change/record.js';
import { makeChanges, type SetQuery, setConnections } from '../../src/host/change/set.js';
import { undoChanges } from '../../src/host/change/undo.js';
import { listConnections } from '../../src/host/list/list.js';
import { listThrough } from '../../src/host/list/listing.js';
import { isAnswered } from '../../src/host/list/not-judged.js';
import { networkNamespaces } from '../../src/host/namespaces/network-namespaces.js';
import { chooseOptionSource } from '../../src/host/options/choice.js';
import type { OptionSource } from '../../src/host/options/source.js';
import { parseSelection } from '../../src/host/selection/selection.js';
import { ConfigurationError, getKeepAlive, PolicyError, setKeepAlive } from '../../src/index.js';
import { SystemCallError } from '../../src/native/errors.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { abort, closed } from '../endpoints.js';
import { infoOf, moment } from '../kernel/observation.js';
import { cannotRun } from '../requirement.js';

const lacksIterator = (() => {
  using chosen = chooseOptionSource('tcp-iterator');
  return cannotRun(chosen.source === undefined, chosen.refused.map(({ why }) => why).join());
})();

const selectionOf = (...pairs: LoopbackPair[]) =>
  parseSelection({ pid: `${process.pid}`, port: pairs.map(({ server }) => `local:${server.localPort}`) });

const wanted = { idle: 30_000, interval: 5000, count: 3, userTimeout: undefined };

describe.each(['tcp-iterator', 'descriptor-copies'] as const)('makeChanges through %s', (method) => {
  const missing = method === 'tcp-iterator' && lacksIterator;

  it.skipIf(missing)('names a connection that has ended since it was listed, and goes on', async () => {
    using ending = await loopbackPair();
    using staying = await loopbackPair();
    const port = ending.server.localPort;
    using chosen = chooseOptionSource(method);
    const { rows } = listThrough(chosen, { selection: selectionOf(ending, staying) });
    expect(rows).toHaveLength(2);
    const ended = closed(ending.server);
    ending.close();
    await ended;
    const { changed, failed } = makeChanges(
      chosen,
      rows.map((row) => ({ row, wanted })),
    );
    expect(failed).toMatchObject([{ connection: { local: { port } }, error: expect.stringMatching(/./) }]);
    expect(changed).toMatchObject([{ after: { enabled: true, idle: 30_000, interval: 5000, count: 3 } }]);
    expect(getKeepAlive(staying.server)).toMatchObject({ enabled: true, idle: 30_000 });
  });

  it.skipIf(missing)('undoes its own record, and again without harm', async () => {
    using pair = await loopbackPair();
    using chosen = chooseOptionSource(method);
    const before = getKeepAlive(pair.server);
    const { rows } = listThrough(chosen, { selection: selectionOf(pair) });
    const { changed } = makeChanges(
      chosen,
      rows.map((row) => ({ row, wanted })),
    );
    const record = JSON.parse(JSON.stringify(recordOf(changed)));
    expect(undoChanges(record, 'x')).toMatchObject({ changed: [{ after: before }], failed: [], gone: 0 });
    expect(getKeepAlive(pair.server)).toEqual(before);
    // A second time there is nothing left to do, and that is no failure.
    expect(undoChanges(record, 'x')).toMatchObject({ changed: [{ before, after: before }], failed: [], unknown: 0 });
    expect(getKeepAlive(pair.server)).toEqual(before);
    setKeepAlive(pair.server, '77:5:3');
    expect(undoChanges(record, 'x')).toMatchObject({
      changed: [],
      failed: [{ error: expect.stringMatching(/since/) }],
    });
    expect(getKeepAlive(pair.server)).toMatchObject({ enabled: true, idle: 77_000 });
    pair.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(undoChanges(record, 'x')).toMatchObject({ changed: [], failed: [], gone: 1 });
  });
});

it('does not touch a connection that has the policy already: a peer that is being probed is not asked more often', async () => {
  using pair = await loopbackPair();
  const query = { selection: selectionOf(pair), optionSource: 'descriptor-copies' } as const;
  crashPeer(pair.client);
  setConnections(query, { idle: 1000, interval: 30_000, count: 9 });
  await moment(() => infoOf(pair.server).probes === 1, 'the first unanswered probe');
  const { changed, failed } = setConnections(query, { idle: 1000, interval: 30_000, count: 9 });
  const [row] = listConnections(query).rows;
  expect(row?.connection).toMatchObject({ unanswered: 1, timer: { kind: 'keepalive' } });
  // A timer that was armed anew runs out at once.
  expect(row?.connection.timer?.expiresMs).toBeGreaterThan(25_000);
  expect(failed).toEqual([]);
  expect(changed).toMatchObject([{ before: { enabled: true, idle: 1000, interval: 30_000, count: 9 } }]);
  expect(changed[0]?.after).toEqual(changed[0]?.before);
});

it('names the reason for each where the call can do nothing at all', async () => {
  using pair = await loopbackPair();
  using chosen = chooseOptionSource();
  const { rows } = listThrough(chosen, { selection: selectionOf(pair) });
  const exhausted: OptionSource = {
    method: 'descriptor-copies',
    perNamespace: false,
    read: () => ({ states: new Map(), incomplete: [] }),
    write: () => {
      throw new SystemCallError('bpf', 'ENOMEM', 'the kernel has no memory for it');
    },
    [Symbol.dispose]: () => {},
  };
  const { changed, failed } = makeChanges(
    { source: exhausted, refused: [], [Symbol.dispose]: () => {} },
    rows.map((row) => ({ row, wanted })),
  );
  expect(changed).toEqual([]);
  expect(failed).toMatchObject([{ error: expect.stringContaining('ENOMEM') }]);
});

it('refuses a policy that no kernel takes before anything is read', () => {
  expect(() => setConnections({ selection: { pid: [process.pid] } }, { idle: 500 })).toThrow(PolicyError);
});

it.each<[string, SetQuery, RegExp]>([
  ['without a filter', {}, /selection must be a selection with a filter.*, or `all: true` instead, got undefined/],
  ['with a filter that is undefined', { selection: { pid: undefined } as object }, /or `all: true` instead/],
  ['of a misspelt name', { selction: {} } as SetQuery, /unknown option "selction"; did you mean "selection"\?/],
  ['with a misspelt filter', { selection: { ports: [] } as object }, /unknown filter "ports"; did you mean "port"\?/],
])('refuses a query %s before anything is read', (_, query, message) => {
  expect(() => setConnections(query, '30:5:3')).toThrow(ConfigurationError);
  expect(() => setConnections(query, '30:5:3')).toThrow(message);
});

describe('orphans: what a program has closed, and the kernel has still to end', () => {
  /** A connection whose client is closed, and whose server keeps its half open. */
  async function halfClosed() {
    // No other test has this address, so what is selected by it is this test's.
    const host = '127.61.37.1';
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.resume()).listen(0, host);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as net.AddressInfo;
    const client = net.connect({ port, host, allowHalfOpen: true });
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    onTestFinished(() => abort(accepted));
    return { client, accepted, selection: parseSelection({ remote: host, port: `local:${client.localPort}` }) };
  }

  /** Closes the client, and waits until the kernel has heard that the server knows. */
  async function close(client: net.Socket, accepted: net.Socket): Promise<void> {
    const ended = once(accepted, 'end');
    client.end();
    await Promise.all([ended, once(client, 'finish')]);
    const gone = closed(client);
    client.destroy();
    await gone;
  }

  it('are passed over and counted, also with --dry-run, and are no failure', async () => {
    const { client, accepted, selection } = await halfClosed();
    await close(client, accepted);
    const listed = listConnections({ selection });
    expect(listed.rows).toMatchObject([{ connection: { inode: 0 }, process: null, verdict: null }]);
    expect(isAnswered(listed)).toBe(true);
    for (const dryRun of [false, true]) {
      const result = setConnections({ selection }, '30:5:3', { dryRun });
      expect(result).toMatchObject({ changed: [], failed: [], orphans: 1, isWhole: true });
      expect(result.undecided).toMatchObject({ connections: 0, listeners: 0 });
    }
    const ofServer = parseSelection({ pid: `${process.pid}`, port: `local:${accepted.localPort}` });
    expect(setConnections({ selection: ofServer }, '30:5:3')).toMatchObject({
      changed: { length: 2 },
      failed: [],
      orphans: 0,
    });
    expect(getKeepAlive(accepted)).toMatchObject({ enabled: true, idle: 30_000 });
  });

  it('count as ended when their changes are undone', async () => {
    const { client, accepted, selection } = await halfClosed();
    const { changed } = setConnections({ selection: { ...selection, pid: [process.pid] } }, '30:5:3');
    expect(changed).toHaveLength(1);
    await close(client, accepted);
    expect(undoChanges(recordOf(changed), 'x')).toMatchObject({ changed: [], failed: [], gone: 1, unknown: 0 });
  });
});

describe('undoChanges in a network namespace that is not there', () => {
  it('takes for ended what was in it only where every namespace is known', async () => {
    using pair = await loopbackPair();
    const { changed } = setConnections({ selection: selectionOf(pair) }, '30:5:3');
    const record = recordOf(changed);
    const elsewhere = { ...record, changed: record.changed.map((change) => ({ ...change, netns: 1 })) };
    const count = networkNamespaces().isWhole ? { gone: 1, unknown: 0 } : { gone: 0, unknown: 1 };
    expect(undoChanges(elsewhere, 'x')).toMatchObject({ changed: [], failed: [], ...count });
  });
});

it('shows with dryRun what undoing would restore, and restores nothing', async () => {
  using pair = await loopbackPair();
  const before = getKeepAlive(pair.server);
  const { changed } = setConnections({ selection: selectionOf(pair) }, '30:5:3');
  const after = getKeepAlive(pair.server);
  expect(undoChanges(recordOf(changed), 'x', { dryRun: true })).toMatchObject({
    changed: [{ before: after, after: before }],
    failed: [],
  });
  expect(getKeepAlive(pair.server)).toEqual(after);
});

describe.each(['tcp-iterator', 'descriptor-copies'] as const)('a user timeout set through %s', (method) => {
  const missing = method === 'tcp-iterator' && lacksIterator;
  const strict = { ...wanted, userTimeout: 1000 };

  it.skipIf(missing)('counts from now on where data are in flight', { timeout: 20_000 }, async () => {
    using pair = await loopbackPair();
    const crashed = crashPeer(pair.client);
    pair.server.write('.');
    await moment(() => infoOf(pair.server).retransmits >= 3, 'retransmissions');
    const { changed } = setConnections({ selection: selectionOf(pair), optionSource: method }, strict);
    expect(changed[0]?.after.userTimeout).toBeGreaterThan(2000);
    expect(changed[0]?.unanswered).toBeGreaterThanOrEqual(3);
    crashed.revive();
    await moment(() => infoOf(pair.server).unacked === 0, 'the answer');
    expect(getKeepAlive(pair.server)).toMatchObject({ enabled: true, idle: 30_000 });
  });

  it.skipIf(missing)('is left out where the window of the peer is closed', { timeout: 20_000 }, async () => {
    using pair = await loopbackPair();
    pair.client.pause();
    pair.server.write(Buffer.alloc(20_000_000));
    await moment(() => infoOf(pair.server).backoff >= 3, 'window probes');
    const { changed } = setConnections({ selection: selectionOf(pair), optionSource: method }, strict);
    expect(changed).toMatchObject([{ after: { enabled: true, userTimeout: 0 }, unanswered: 0 }]);
    const { backoff } = infoOf(pair.server);
    await moment(() => infoOf(pair.server).backoff !== backoff, 'the next window probe');
    expect(infoOf(pair.server).state).toBe('ESTABLISHED');
  });
});
