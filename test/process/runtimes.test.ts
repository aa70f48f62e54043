import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { detectionTime } from '../../src/index.js';
import { cannotRun } from '../requirement.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = process.env['TEST_RUNTIMES'];
const isMissing = cannotRun(
  folder === undefined,
  'TEST_RUNTIMES does not name the folder that `scripts/install-runtimes` installed Bun and Deno into',
);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a runtime of the folder, without what this process has been told about policies. */
async function run(name: string, args: readonly string[], variables: Record<string, string> = {}): Promise<Ended> {
  const own = Object.entries(process.env).filter(([key]) => !/^(TCP_KEEPALIVE|NODE_OPTIONS|VITEST)/.test(key));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', ...variables };
  const options = { cwd: root, env, timeout: 60_000 };
  try {
    return { code: 0, ...(await promisify(execFile)(path.join(folder ?? '', name), args, options)) };
  } catch (error) {
    return error as Ended;
  }
}

const policy = { enabled: true, idle: 30_000, interval: 5_000, count: 3 };
const unsupported = (runtime: string) => ({
  error: 'UnsupportedError',
  message: expect.stringContaining(`${runtime} `),
});

type Outcomes = Readonly<Record<string, unknown>>;

async function outcomesIn(name: string, ...flags: string[]): Promise<Outcomes> {
  const { stdout, stderr } = await run(name, [...flags, 'test/process/programs/runtime.mjs']);
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new Error(`${name} printed ${stdout}${stderr}`, { cause });
  }
}

const runtimes = [
  { name: 'bun', title: 'Bun', flags: [] as string[] },
  { name: 'deno', title: 'Deno', flags: ['run', '-A'] },
] as const;

describe.skipIf(isMissing)('Bun', () => {
  let outcomes: Outcomes;
  beforeAll(async () => {
    outcomes = await outcomesIn('bun');
  });

  it.each(['connecting', 'accepted', 'tls', 'request', 'http2'])('gives the policy: %s', (kind) => {
    expect(outcomes[kind]).toMatchObject(policy);
  });

  it('sets what it reads back, and turns it off', () => {
    expect(outcomes['open']).toMatchObject([policy, policy]);
    expect(outcomes['off']).toBe(false);
  });

  it('refuses the connections of its HTTP server, which are no sockets of node:net', () => {
    expect(outcomes['served']).toEqual({ name: 'UnsupportedError' });
  });

  it('watches peers of connections that it is given, asks them, and does not promise to watch all', () => {
    const told = [
      ['suspect', 1],
      ['dead', 2],
    ];
    expect(outcomes['watch']).toEqual({ told, reason: 'keepalive', decidedBy: 'kernel' });
    expect(outcomes['ask']).toEqual([true, 'probe', false]);
    expect(outcomes['watchAll']).toEqual(unsupported('Bun'));
  });

  it('notices a peer that has crashed when it is predicted', () => {
    const { earliestMs, latestMs } = detectionTime('1:1:1');
    const { code, ms } = outcomes['crash'] as { code: string; ms: number };
    expect(code).toBe('ETIMEDOUT');
    expect(ms).toBeGreaterThanOrEqual(earliestMs);
    expect(ms).toBeLessThanOrEqual(latestMs + 1000);
  });
});

describe.skipIf(isMissing)('Deno', () => {
  let outcomes: Outcomes;
  beforeAll(async () => {
    outcomes = await outcomesIn('deno', 'run', '-A');
  });

  it.each(['open', 'connecting', 'accepted', 'tls', 'request', 'http2', 'crash', 'watch', 'watchAll'])(
    'refuses to promise: %s',
    (kind) => {
      expect(outcomes[kind]).toEqual(unsupported('Deno'));
    },
  );
});

describe.skipIf(isMissing).each(runtimes)('$title', ({ name, title, flags }) => {
  const start = (variables: Record<string, string>) =>
    run(name, [...flags, '--preload', './dist/process/register.js', 'test/process/programs/hello.mjs'], variables);

  it('knows policies, predictions, kernel defaults and the connections of the machine', async () => {
    const { pure, list, process: applied } = await outcomesIn(name, ...flags);
    expect(pure).toEqual(['30:5:3', true, expect.any(Number)]);
    expect(list).toBe(1);
    expect(applied).toEqual(unsupported(title));
  });

  it('does not run a program that is to have a policy for all of its connections', async () => {
    const { code, stdout, stderr } = await start({ TCP_KEEPALIVE: '30:5:3' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(`^tcp-keepalive: .*${title} .*requires Node.js`)]);
  });

  it('runs it with a warning where that is asked for', async () => {
    const { code, stdout, stderr } = await start({ TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_ON_ERROR: 'warn' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello\n' });
    expect(stderr).toContain('KeepAliveWarning: no keepalive policy is in force');
  });

  it('runs it where there is no policy', async () => {
    expect(await start({ TCP_KEEPALIVE: 'unmanaged' })).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });
});
