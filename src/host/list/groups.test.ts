import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleRow, inState } from '../../../test/host/example-row.js';
import { countVerdicts, groupRows } from './groups.js';
import type { ConnectionRow } from './row.js';

const ends = (localPort: number, remotePort: number, netns = 1) => ({
  connection: exampleConnection({
    local: { address: '10.0.0.5', port: localPort },
    remote: { address: '10.0.0.6', port: remotePort },
    netns,
  }),
});
const web = { process: { pid: 7, name: 'nginx' }, unit: 'nginx.service' };
const listener = inState('LISTEN', { local: { address: '0.0.0.0', port: 60_000 }, netns: 1 });

const rows: readonly ConnectionRow[] = [
  exampleRow({ ...web, connection: listener, verdict: null }),
  exampleRow({ ...web, ...ends(60_000, 40_000), verdict: 'unprotected' }),
  exampleRow({ ...web, process: { pid: 8, name: 'nginx' }, ...ends(60_000, 50_000), verdict: 'slow' }),
  exampleRow({ ...web, ...ends(50_001, 5432) }),
  exampleRow({ process: null, unit: null, ...ends(50_002, 5432), verdict: 'unprotected' }),
  exampleRow({ process: null, unit: null, container: 'docker:1', ...ends(443, 50_003), verdict: 'unprotected' }),
  exampleRow({ ...web, ...ends(60_000, 40_000, 2), keepAlive: null, verdict: null }),
];

const brief = (by: Parameters<typeof groupRows>[1]) =>
  groupRows(rows, by).map(({ name, connections, unprotected, slow, protected: safe, unknown }) => [
    name,
    connections,
    unprotected,
    slow,
    safe,
    unknown,
  ]);

describe('groupRows', () => {
  it('counts by the name of the process, without listeners', () => {
    expect(brief('process')).toEqual([
      [null, 2, 2, 0, 0, 0],
      ['nginx', 4, 1, 1, 1, 1],
    ]);
  });

  it('counts by unit or container', () => {
    expect(brief('unit')).toEqual([
      ['nginx', 4, 1, 1, 1, 1],
      [null, 1, 1, 0, 0, 0],
      ['docker:1', 1, 1, 0, 0, 0],
    ]);
  });

  it("counts by the service's port: the one listened on in that namespace, else the lower", () => {
    expect(brief('port')).toEqual([
      ['local:60000', 2, 1, 1, 0, 0],
      ['remote:5432', 2, 1, 0, 1, 0],
      ['local:443', 1, 1, 0, 0, 0],
      ['remote:40000', 1, 0, 0, 0, 1],
    ]);
  });
});

it('counts by the address of the peer, and by network namespace with its name if it has one', () => {
  const names = new Map([[2, 'blue']]);
  const counts = (by: Parameters<typeof groupRows>[1]) =>
    groupRows(rows, by, { namespaceNames: names }).map(({ name, connections }) => [name, connections]);
  expect(counts('remote')).toEqual([['10.0.0.6', 6]]);
  expect(counts('netns')).toEqual([
    ['1', 5],
    ['blue', 1],
  ]);
});

it('takes the listeners for the service that are no rows', () => {
  const only = [exampleRow(ends(60_000, 40_000, 2))];
  expect(groupRows(only, 'port', { listeners: [{ ...listener, netns: 2 }] })).toMatchObject([{ name: 'local:60000' }]);
});

it('counts what is left of connections, or not yet there, apart from what could not be judged', () => {
  const states = ['TIME_WAIT', 'SYN_RECV', 'SYN_SENT', 'LISTEN', 'CLOSE'] as const;
  const { connection } = ends(443, 50_003);
  const without = states.map((state) =>
    exampleRow({ connection: { ...connection, state, inode: 0 }, keepAlive: null, verdict: null }),
  );
  expect(groupRows(without, 'port')).toEqual([
    { name: 'local:443', connections: 3, unprotected: 0, slow: 0, protected: 0, unknown: 0, other: 3 },
  ]);
  expect(countVerdicts(without)).toMatchObject({ connections: 3, other: 3 });
});
