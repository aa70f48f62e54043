import { describe, expect, it } from 'vitest';
import { exampleConnection, exampleRow, inState } from '../../../test/host/example-row.js';
import type { ConnectionRow } from '../list/row.js';
import type { HiddenProcesses } from '../owners/proc-links.js';
import { processName } from '../owners/processes.js';
import { kernelSelection, selectionMatcher } from './match.js';
import { parseSelection, type Selection, type SelectionText } from './selection.js';
import { SelectionError } from './selection-error.js';

function selects(text: SelectionText, row: ConnectionRow = exampleRow()): boolean {
  return selectionMatcher(parseSelection(text)).matches(row);
}

const mapped = exampleRow({
  connection: exampleConnection({ family: 6, remote: { address: '10.0.7.21', port: 49_152 } }),
});
const ipv6 = exampleRow({
  connection: exampleConnection({ family: 6, remote: { address: '2001:db8::7', port: 443 } }),
});
const container = exampleRow({ unit: null, container: 'docker:3f2a9c0d1e4b', cgroup: '/docker/3f2a' });
const unowned = exampleRow({ process: null, owners: [], unit: null, cgroup: null, verdict: null });
const shared = exampleRow({
  owners: [
    { pid: 7, name: 'nginx', fd: 4 },
    { pid: 9, name: 'worker process', fd: 4 },
  ],
});

describe('a selection', () => {
  it.each<[SelectionText, boolean, ConnectionRow?]>([
    [{}, true],
    [{ pid: '812' }, true],
    [{ pid: '81' }, false],
    [{ pid: ['1', '812'] }, true],
    [{ pid: '9' }, true, shared],
    [{ pid: '9' }, false, unowned],
    [{ process: 'postgres' }, true],
    [{ process: 'postgre' }, false],
    [{ process: 'post*' }, true],
    [{ process: 'p?stgres' }, true],
    [{ process: 'POSTGRES' }, false],
    [{ process: 'worker process' }, true, shared],
    [{ process: 'p.*' }, false],
    [{ port: '5432' }, true],
    [{ port: '49152' }, true],
    [{ port: 'local:5432' }, true],
    [{ port: 'remote:5432' }, false],
    [{ port: 'local:49152' }, false],
    [{ port: '1-5431' }, false],
    [{ port: '5000-6000' }, true],
    [{ port: '80,443,5432' }, true],
    [{ remote: '10.0.0.0/16' }, true],
    [{ remote: '10.0.7.21' }, true],
    [{ remote: '10.0.7.20' }, false],
    [{ remote: '::ffff:10.0.7.0/120' }, true],
    [{ remote: '10.0.7.0/24' }, true, mapped],
    [{ remote: '10.0.7.0/24' }, false, ipv6],
    [{ remote: '2001:db8::/32' }, true, ipv6],
    [{ remote: '192.168.0.0/16,2001:db8::/32' }, true, ipv6],
    [{ state: 'established' }, true],
    [{ state: 'ESTAB' }, true],
    [{ state: 'listen,close-wait' }, false],
    [{ verdict: 'protected' }, true],
    [{ verdict: 'slow,unprotected' }, false],
    [{ verdict: 'protected' }, false, unowned],
    [{ cgroup: '/system.slice' }, true],
    [{ cgroup: '/system.slice/' }, true],
    [{ cgroup: '/system' }, false],
    [{ cgroup: '/' }, true],
    [{ cgroup: '/*/postgresql.service' }, true],
    [{ cgroup: '/' }, false, unowned],
    [{ unit: 'postgresql' }, true],
    [{ unit: 'postgresql.service' }, true],
    [{ unit: 'postgres' }, false],
    [{ unit: 'post*' }, true],
    [{ unit: 'docker:3f2a9c0d1e4b' }, true, container],
    [{ unit: 'docker:*' }, true, container],
    [{ netns: '4026531840' }, true],
    [{ netns: '4026531841' }, false],
    // Every filter has to admit it.
    [{ process: 'postgres', port: '5432' }, true],
    [{ process: 'postgres', port: '80' }, false],
    [{ process: 'nginx', port: '5432' }, false],
  ])('%j gives %s', (text, expected, row) => {
    expect(selects(text, row)).toBe(expected);
  });

  it('admits by the connection alone what the rest of the row may still exclude', () => {
    const { admits } = selectionMatcher(parseSelection({ process: 'nginx', port: '5432' }));
    expect(admits(exampleConnection())).toBe(true);
    expect(admits(exampleConnection({ local: { address: '10.0.0.5', port: 80 } }))).toBe(false);
  });

  it('takes the names of namespaces from who knows them', () => {
    const lookUp = (text: string) => (text === 'blue' ? 4_026_532_000 : undefined);
    expect(parseSelection({ netns: 'blue' }, lookUp).netns).toEqual([4_026_532_000]);
    expect(() => parseSelection({ netns: 'green' }, lookUp)).toThrow('netns must be a network namespace that exists');
  });
});

describe('what a selection may mean', () => {
  const mayMean = (text: SelectionText, row: ConnectionRow, hidden?: HiddenProcesses) =>
    selectionMatcher(parseSelection(text)).mayMean(row, hidden);
  const why = 'not permitted';
  const self: HiddenProcesses = { pids: [process.pid], hasUnlisted: false, why };
  const unlisted: HiddenProcesses = { pids: [], hasUnlisted: true, why };
  const own = processName(process.pid) as string;

  it.each<[SelectionText, boolean, HiddenProcesses | undefined]>([
    [{ pid: String(process.pid) }, true, self],
    [{ pid: '1' }, false, self],
    [{ pid: '1' }, true, unlisted],
    [{ pid: '1' }, false, undefined],
    [{ process: own }, true, self],
    [{ process: 'no-such-program' }, false, self],
    [{ process: 'no-such-program' }, true, unlisted],
    [{ process: own }, false, undefined],
    [{ unit: 'nginx' }, true, self],
    [{ unit: 'nginx' }, false, undefined],
    [{ cgroup: '/system.slice' }, true, self],
    [{ verdict: 'protected' }, true, undefined],
    [{ verdict: 'protected', port: '80' }, false, undefined],
  ])('%j of a socket without a known owner: %j', (text, expected, hidden) => {
    expect(mayMean(text, unowned, hidden)).toBe(expected);
  });

  it('leaves nothing open where the owner is known, and where no program has the socket', () => {
    expect(mayMean({ pid: String(process.pid) }, exampleRow(), self)).toBe(false);
    const orphan = exampleRow({ ...unowned, connection: exampleConnection({ state: 'FIN_WAIT2', inode: 0 }) });
    expect(mayMean({ pid: String(process.pid) }, orphan, self)).toBe(false);
    expect(mayMean({ verdict: 'unprotected' }, orphan, self)).toBe(false);
  });

  it('goes by the cgroup of the socket for the unit, unless any unit may have a socket from there', () => {
    expect(mayMean({ unit: 'ssh' }, exampleRow({ ...unowned, cgroup: '/system.slice/nginx.service' }), self)).toBe(
      false,
    );
    expect(mayMean({ unit: 'ssh' }, exampleRow({ ...unowned, cgroup: '/init.scope' }), self)).toBe(true);
  });

  it('takes a connection whose timer shows that keepalive is on for no unprotected one', () => {
    const keepAlive = { enabled: true, idle: null, interval: null, count: null, userTimeout: null };
    const row = exampleRow({ keepAlive, verdict: null });
    expect(mayMean({ verdict: 'unprotected' }, row)).toBe(false);
    expect(mayMean({ verdict: 'unprotected,slow' }, row)).toBe(true);
  });
});

describe('parseSelection', () => {
  it.each<[SelectionText, string]>([
    [{ pid: 'nginx' }, `pid must be a process id such as '4711', got "nginx"`],
    [{ pid: '0' }, 'pid must be'],
    [{ pid: '-1' }, 'pid must be'],
    [{ port: '0' }, "port must be 1 to 65535, such as '443', '8000-8099', 'local:443' or 'remote:5432', got \"0\""],
    [{ port: '65536' }, 'port must be'],
    [{ port: '90-80' }, 'port must be'],
    [{ port: 'peer:80' }, 'port must be'],
    [{ port: 'http' }, 'port must be'],
    [{ remote: 'example.com' }, "remote must be an address or a block such as '10.0.0.0/8'"],
    [{ remote: '10.0.0.0/33' }, 'remote must be'],
    [{ state: 'open' }, 'state must be one of established, syn-sent, syn-recv, fin-wait1'],
    [{ state: 'constructor' }, 'state must be'],
    [{ verdict: 'bad' }, 'verdict must be one of protected, slow, exposed, unprotected'],
    [{ verdict: 'unprotcted' }, 'got "unprotcted"; did you mean "unprotected"?'],
    [{ state: 'Establishd' }, 'got "Establishd"; did you mean "established"?'],
    [{ cgroup: 'system.slice' }, "cgroup must be a path such as '/system.slice'"],
    [{ netns: 'blue' }, 'netns must be'],
    [{ process: '' }, 'process must be not empty, got ""'],
    [{ unit: ['a', ''] }, 'unit must be not empty, got ""'],
    [{ port: ['1', '80,'] }, 'port must be not empty, got "80,"'],
    [{ port: [] }, 'port must be not empty'],
  ])('refuses %j', (text, message) => {
    expect(() => parseSelection(text)).toThrow(message);
    expect(() => parseSelection(text)).toThrow(SelectionError);
  });

  it('says in the error what is wrong', () => {
    try {
      parseSelection({ port: ['80', 'http'] });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_KEEPALIVE_SELECTION', filter: 'port', given: 'http' });
    }
  });
});

it('parseSelection refuses a filter of another name, which would select everything', () => {
  expect(() => parseSelection({ prot: '5432' } as object)).toThrow(/unknown filter "prot"; did you mean "port"\?/);
});

describe('kernelSelection', () => {
  const idsBelow = (path: string) => (path === '/system.slice' ? [10n, 11n] : path === '/a' ? [11n, 12n] : []);
  const cgroupIds = (cgroup: string) => kernelSelection(parseSelection({ cgroup }), idsBelow).cgroupIds;

  it('hands on what the kernel knows, and leaves the rest', () => {
    const text = { pid: '1', process: 'x', port: 'local:443', remote: '10.0.0.0/8', state: 'established', unit: 'u' };
    expect(kernelSelection(parseSelection(text))).toEqual({
      ports: [{ end: 'local', first: 443, last: 443 }],
      remotes: [{ family: 4, address: Uint8Array.of(10, 0, 0, 0), length: 8 }],
      states: ['ESTABLISHED'],
    });
    expect(kernelSelection({})).toEqual({});
  });

  it('turns paths of cgroups into ids where all are known', () => {
    expect(cgroupIds('/system.slice')).toEqual([10n, 11n]);
    expect(cgroupIds('/system.slice,/a')).toEqual([10n, 11n, 12n]);
    expect(cgroupIds('/gone,/a')).toBeUndefined();
    expect(cgroupIds('/sys*')).toBeUndefined();
    expect(kernelSelection(parseSelection({ cgroup: '/a' })).cgroupIds).toBeUndefined();
    const many = Array.from({ length: 33 }, (_, id) => BigInt(id));
    expect(kernelSelection(parseSelection({ cgroup: '/a' }), () => many).cgroupIds).toBeUndefined();
  });
});

describe('the filters --silent-for, --unanswered, --local and --command', () => {
  it('are read from text, where a command keeps its commas', () => {
    expect(parseSelection({ silentFor: '10m', unanswered: true, command: ['*a,b*', 'c'] })).toEqual({
      silentFor: [600_000],
      unanswered: true,
      command: ['*a,b*', 'c'],
    });
    expect(() => parseSelection({ silentFor: '0' })).toThrow(/silentFor must be a duration such as '10m'/);
    expect(() => parseSelection({ silentFor: 'long' })).toThrow(SelectionError);
  });

  it('judge what is now, and never mean a listener', () => {
    const listener = exampleRow({ connection: inState('LISTEN', { unanswered: 1 }) });
    const row = exampleRow({ connection: exampleConnection({ unanswered: 2 }) });
    const matches = (selection: Selection, of = row) => selectionMatcher(selection).matches(of);
    expect([matches({ unanswered: true }), matches({ unanswered: false })]).toEqual([true, false]);
    expect([matches({ unanswered: true }, listener), matches({ unanswered: false }, listener)]).toEqual([false, false]);
    expect([matches({ silentFor: [18_000] }), matches({ silentFor: [18_001] })]).toEqual([true, false]);
    expect(matches({ silentFor: [90_000, 18_000] })).toBe(true);
    expect(matches({ silentFor: [1] }, listener)).toBe(false);
    expect(matches(parseSelection({ local: '10.0.0.0/24' }))).toBe(true);
    expect(matches(parseSelection({ local: '10.0.7.0/24' }))).toBe(false);
  });
});
