import { beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../program.js';
import { behaviours } from './all.js';

interface Run {
  readonly records: Readonly<Record<string, { readonly saw?: unknown; readonly failed?: unknown }>>;
  /** What the kernel said of both ends of a connection of the program. */
  readonly keepAlive: readonly object[];
}

const register = `NODE_OPTIONS=--import=${new URL('../../../dist/process/register.js', import.meta.url)}`;
const cleared = ['env', '-u', 'TCP_KEEPALIVE', '-u', 'NODE_OPTIONS'];

const watchAll = `NODE_OPTIONS=--import=${new URL('programs/watch-all.mjs', import.meta.url)}`;

const starts = {
  plain: cleared,
  registered: [...cleared, register, 'TCP_KEEPALIVE=unmanaged'],
  enforced: [...cleared, register, 'TCP_KEEPALIVE=30:5:3'],
  watched: [...cleared, watchAll],
};

let runs: Record<keyof typeof starts, Run>;

beforeAll(async () => {
  const program = new URL('run.ts', import.meta.url);
  const [plain, registered, enforced, watched] = await Promise.all(
    Object.values(starts).map((prefix) => runProgram<Run>(program, [], prefix, 110_000)),
  );
  runs = { plain, registered, enforced, watched } as typeof runs;
});

describe('behaviours of Node.js are the same under register, and while all connections are watched', () => {
  it('because the policy is in force only where it is asked for', () => {
    const policy = { enabled: true, idle: 30_000, interval: 5_000, count: 3 };
    expect(runs.plain.keepAlive).toMatchObject([{ enabled: false }, { enabled: false }]);
    expect(runs.registered.keepAlive).toEqual(runs.plain.keepAlive);
    expect(runs.enforced.keepAlive).toMatchObject([policy, policy]);
    expect(runs.watched.keepAlive).toMatchObject([policy, policy]);
  });

  it.each(Object.keys(behaviours))('%s', (name) => {
    const { [name]: plain } = runs.plain.records;
    expect(plain, 'without register').toEqual({ saw: expect.anything() });
    expect(runs.registered.records[name], 'without a policy').toEqual(plain);
    expect(runs.enforced.records[name], 'with a policy').toEqual(plain);
    expect(runs.watched.records[name], 'while watched').toEqual(plain);
  });
});
