import { describe, expect, it } from 'vitest';
import { listConnections } from '../../src/host/list.js';
import { listThrough } from '../../src/host/listing.js';
import { chooseOptionSource } from '../../src/host/options/choice.js';
import type { OptionSource } from '../../src/host/options/source.js';
import { recordOf } from '../../src/host/record.js';
import { parseSelection } from '../../src/host/selection.js';
import { makeChanges, setConnections } from '../../src/host/set.js';
import { undoChanges } from '../../src/host/undo.js';
import { getKeepAlive, PolicyError, setKeepAlive } from '../../src/index.js';
import { SystemCallError } from '../../src/native/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { closed } from '../endpoints.js';
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
