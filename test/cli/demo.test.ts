import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Terminal } from '@xterm/headless';
import { describe, expect, it, vi } from 'vitest';
import type { DemoReport } from '../../src/cli/verbs/demo/scenario.js';
import { detectionTime } from '../../src/index.js';
import { ownNetwork } from '../program.js';
import { cannotRun } from '../requirement.js';
import { finished, program, runCli } from './run-cli.js';

function widestLine(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

/** What a person would see on the screen now. */
async function screenText(screen: Terminal): Promise<string> {
  await new Promise<void>((resolve) => screen.write('', resolve));
  const { active } = screen.buffer;
  return Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true)).join('\n');
}

describe.concurrent('tcp-keepalive demo', () => {
  it('tells seven peers apart within the predicted times, as JSON', async () => {
    const { code, stdout, stderr } = await runCli('demo', '--json');
    const report: DemoReport = JSON.parse(stdout);
    expect(stderr).toBe('');
    expect(report.policy).toEqual({ idle: 2000, interval: 1000, count: 3 });
    expect(report.scenarios.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['fin', 'closed'],
      ['rst', 'reset'],
      ['crash-idle', 'dead'],
      ['crash-data-in-flight', 'dead'],
      ['crash-without-keepalive', 'established'],
      ['silent-then-back', 'established'],
      ['idle-healthy', 'established'],
    ]);
    const crash = report.scenarios[2];
    expect(crash?.expected).toEqual(detectionTime('2:1:3'));
    expect(crash?.detectedMs).toBeGreaterThanOrEqual(5000);
    expect(crash?.detectedMs).toBeLessThanOrEqual((crash?.expected?.latestMs ?? 0) + 500);
    expect(report.scenarios.slice(4).map(({ expected, detectedMs }) => [expected, detectedMs])).toEqual(
      Array(3).fill([null, null]),
    );
    expect(report.ok).toBe(true);
    expect(code).toBe(0);
  });

  it('takes another policy, with a user timeout shorter than its probes', async () => {
    const { code, stdout } = await runCli('demo', '--json', '--policy', '1:1:5:2500ms');
    const report: DemoReport = JSON.parse(stdout);
    expect(report.scenarios[2]?.expected).toEqual(detectionTime('1:1:5:2500ms'));
    expect(report).toMatchObject({ ok: true, policy: { userTimeout: 2500 } });
    expect(code).toBe(0);
  });

  it('prints the timeline as it happens and a table that fits 80 columns', async () => {
    const { code, stdout } = await runCli('demo', '--policy', '2:1:3');
    expect(stdout).toMatch(/crashes while idle +probe 1 sent, 1 unanswered\n/);
    expect(stdout).toMatch(/crashes while idle +dead \(ETIMEDOUT\)\n/);
    expect(stdout).toMatch(/idle but healthy +probe 2 sent and answered\n/);
    expect(stdout).toMatch(/falls silent, comes back +the peer answers again\n/);
    expect(stdout).toMatch(/\ncrashes while idle +5\.00 \.\. 5\.\d\d s +5\.\d\d s +dead \(ETIMEDOUT\)\n/);
    expect(stdout).toMatch(/\ncrashes, no keepalive +goes unnoticed +still ESTABLISHED\n/);
    expect(stdout).toMatch(/\nEvery peer was told apart, at the time that was predicted\.\n$/);
    expect(widestLine(stdout)).toBeLessThanOrEqual(80);
    expect(code).toBe(0);
  });

  it('redraws a live view on a terminal of 80 columns', async () => {
    const command = `stty cols 80 rows 30; exec ${process.execPath} ${program} demo --policy 1:1:2`;
    const child = spawn('script', ['-qec', command, '/dev/null']);
    const screen = new Terminal({ cols: 80, rows: 30, allowProposedApi: true });
    child.stdout.on('data', (bytes) => screen.write(bytes));
    const result = finished(child);
    const midway = await vi.waitFor(
      async () => {
        const text = await screenText(screen);
        expect(text).toMatch(/^crashes while idle +\.+\?[.?]* +[12] unanswered$/m);
        return text;
      },
      { timeout: 30_000 },
    );
    // A cell is about 180 ms: three are the half second that the demo allows a measurement to be late.
    expect(midway).toMatch(/^closes with FIN +\.{0,3}# +closed by the peer \(FIN\)$/m);
    expect(midway).not.toContain('ETIMEDOUT');
    const { code } = await result;
    const end = await screenText(screen);
    expect(end).toMatch(/^crashes while idle +\.+\?\.+\?\.+# +dead \(ETIMEDOUT\)$/m);
    expect(end).toMatch(/^falls silent, comes back +survives +still ESTABLISHED$/m);
    expect(end.match(/^idle but healthy/gm)).toHaveLength(2);
    expect(code).toBe(0);
  });

  it('says when a measurement is not as predicted, with exit code 1', async () => {
    const child = spawn(process.execPath, [program, 'demo', '--policy', '1:1:2']);
    const result = finished(child);
    let log = '';
    child.stdout.on('data', (text) => {
      log += text;
    });
    await vi.waitFor(() => expect(log).toContain('probe 1 sent, 1 unanswered'), { timeout: 30_000 });
    // Two seconds before the verdict: a program that sleeps through it measures it too late.
    child.kill('SIGSTOP');
    await sleep(4000);
    child.kill('SIGCONT');
    const { code, stdout } = await result;
    expect(stdout).toMatch(/^crashes while idle .* NOT AS PREDICTED: dead \(ETIMEDOUT\)$/m);
    expect(code).toBe(2);
  });

  it('stops when interrupted, with exit code 130 and no table', async () => {
    const child = spawn(process.execPath, [program, 'demo']);
    const result = finished(child);
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { code, stdout } = await result;
    expect(code).toBe(130);
    expect(stdout).not.toContain('expected');
  });

  it.each([
    ['30:5', 'policy must be text of the form idle:interval:count'],
    ['1.5:1:3', 'idle must be a whole number of seconds from 1 s to 32767 s'],
    ['2:1:0', 'count must be a whole number from 1 to 127'],
  ])('refuses --policy %s in one line', async (policy, message) => {
    const { code, stdout, stderr } = await runCli('demo', '--policy', policy);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('helps with an example', async () => {
    const { code, stdout } = await runCli('demo', '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('$ tcp-keepalive demo --policy 30:5:3');
    expect(widestLine(stdout)).toBeLessThanOrEqual(80);
  });
});

// Only in a namespace of its own can it be told what a program leaves behind.
const network = ownNetwork();

it.skipIf(cannotRun(network === undefined, 'it needs a network namespace (unshare --net)'))(
  'leaves no connection behind, not even in the kernel',
  async () => {
    const script = '"$0" "$1" demo --json --policy 1:1:2 > /dev/null; ss -Htan';
    const [command = '', ...args] = [...(network ?? []), 'sh', '-c', script, process.execPath, program];
    const { code, stdout } = await finished(spawn(command, args));
    const left = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('TIME-WAIT'));
    expect(left).toEqual([]);
    expect(code).toBe(0);
  },
);
