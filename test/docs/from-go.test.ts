import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kernelDefaults } from '../../src/index.js';
import { type Block, namedBlock, projectRoot } from './blocks.js';
import { runToSuccess } from './child.js';
import { buildGo, findGo } from './go.js';
import { Scratch } from './scratch.js';
import { hasStrace, type KeepAliveCalls, readTrace, traceServer } from './strace.js';

const page = 'docs/from-go.md';
const canTrace = hasStrace();
const goCommands = { 'Go 1.19': findGo(19), 'Go 1.23': findGo(23) } as const;
const scratch = new Scratch();
afterAll(() => scratch.remove());
const limitMs = 400_000;

interface Row {
  readonly program: string;
  readonly runsOn: string;
  readonly listener: readonly string[];
  readonly accepted: readonly string[];
}

function trimmed(cell: string): string {
  return cell.trim();
}

/** The calls in a cell: nothing, or options in backquotes. */
function callsIn(cell: string): string[] {
  return cell === 'nothing' ? [] : cell.split(', ').map((call) => call.replace(/^`(.*)`$/, '$1'));
}

/** The rows of the page's first table. */
function claims(): Row[] {
  const lines = readFileSync(path.join(projectRoot, page), 'utf8').split('\n');
  const start = lines.findIndex((line) => /^\| program\s+\|/.test(line));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) => {
    const [program = '', runsOn = '', listener = '', accepted = ''] = line.slice(1, -1).split('|').map(trimmed);
    const name = program.replaceAll('`', '');
    return { program: name, runsOn, listener: callsIn(listener), accepted: callsIn(accepted) };
  });
}

function goFor(runsOn: string): string | undefined {
  return goCommands[runsOn as keyof typeof goCommands];
}

async function measure({ program, runsOn }: Row): Promise<KeepAliveCalls> {
  const go = goFor(runsOn);
  if (go !== undefined) {
    const built = await buildGo(namedBlock(page, program), go, scratch);
    return traceServer(built, [], projectRoot, scratch);
  }
  const example = path.join(projectRoot, 'examples', program);
  return traceServer(process.execPath, ['--import', 'tsx', example, '--once'], projectRoot, scratch);
}

function threadsIn(output: string, name: string): number {
  const line = output.split('\n').find((candidate) => candidate.startsWith(name));
  return Number(/(\d+) more threads/.exec(line ?? '')?.[1]);
}

describe.concurrent('what the Go page claims', () => {
  const rows = claims();

  it('covers each server on each version', () => {
    expect(rows.map(({ program, runsOn }) => `${program} ${runsOn}`)).toEqual([
      'defaults Go 1.19',
      'defaults Go 1.23',
      'older-way Go 1.19',
      'older-way Go 1.23',
      'config Go 1.23',
      'listener-options Go 1.23',
      'keepalive-server.ts Node.js',
    ]);
  });

  for (const row of rows) {
    const isRunnable = canTrace && (row.runsOn === 'Node.js' || goFor(row.runsOn) !== undefined);
    it.skipIf(!isRunnable)(
      `${row.program} on ${row.runsOn} sets what the table says`,
      async () => {
        expect(await measure(row)).toEqual({ listener: row.listener, accepted: [row.accepted] });
      },
      limitMs,
    );
  }

  for (const [version, go] of Object.entries(goCommands)) {
    it.skipIf(go === undefined)(
      `File().Fd() multiplies threads on ${version}, SyscallConn does not`,
      async () => {
        const program = await buildGo(namedBlock(page, 'blocking'), go as string, scratch);
        const output = await runToSuccess(program, [], { cwd: projectRoot });
        expect(threadsIn(output, 'SyscallConn')).toBeLessThan(20);
        expect(threadsIn(output, 'File().Fd()')).toBeGreaterThan(80);
      },
      limitMs,
    );
  }

  const go = goCommands['Go 1.23'];
  it.skipIf(go === undefined)(
    'a ListenConfig that the kernel refuses leaves its defaults in force, without an error',
    async () => {
      const program = await buildGo(namedBlock(page, 'limits'), go as string, scratch);
      const [first] = (await runToSuccess(program, [], { cwd: projectRoot })).split('\n');
      const { idle, interval, count } = kernelDefaults();
      const inForce = `idle ${idle / 1000} s, interval ${interval / 1000} s, count ${count}`;
      expect(first).toBe(`40000 s in a ListenConfig, no error: keepalive 1, ${inForce}`);
    },
    limitMs,
  );
});

describe('readTrace', () => {
  it('keeps the listener and the accepted connections apart from other sockets', () => {
    const trace = [
      '7 setsockopt(3, SOL_TCP, TCP_KEEPCNT, [3], 4) = 0',
      '7 listen(3, 511) = 0',
      '7 setsockopt(3, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0',
      '7 accept4(3, 0xc0, [112], SOCK_CLOEXEC|SOCK_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)',
      '7 accept4(3,  <unfinished ...>',
      '8 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [15], 4) = 0',
      '7 <... accept4 resumed>{sa_family=AF_INET}, [112 => 16], SOCK_CLOEXEC) = 9',
      '7 setsockopt(9, SOL_TCP, TCP_NODELAY, [1], 4) = 0',
      '7 setsockopt(9, SOL_TCP, TCP_KEEPIDLE, [30], 4 <unfinished ...>',
    ];
    const expected: KeepAliveCalls = {
      listener: ['TCP_KEEPCNT 3', 'SO_KEEPALIVE 1'],
      accepted: [['TCP_KEEPIDLE 30']],
    };
    expect(readTrace(trace.join('\n'))).toEqual(expected);
  });

  it('finds no block that the page does not name', () => {
    expect((): Block => namedBlock(page, 'absent')).toThrow('has no code block under <!-- name: absent -->');
  });
});
