import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { detectionTime, judgeBehind } from '../../src/index.js';
import { runCli } from './run-cli.js';
import { onTerminal } from './terminal.js';

const everything = [
  ...['--detect-within', '45s', '--behind', 'azure-lb', '--loss', '5%', '--max-false', '1e-6'],
  ...['--connections', '200000', '--tolerate', '20s', '--battery'],
];

interface Printed {
  readonly policy: string | null;
  readonly userTimeout: number | null;
  readonly wholePolicy: string;
  readonly why: readonly string[];
  readonly toleratesMs: number;
  readonly alternatives: readonly (Printed & { readonly giveUp: readonly string[]; readonly nearest: number | null })[];
}

async function planned(...args: string[]): Promise<{ code: number | null; plan: Printed }> {
  const { code, stdout, stderr } = await runCli('plan', ...args, '--json');
  expect(stderr).toBe('');
  return { code, plan: JSON.parse(stdout) };
}

const flat = (text: string) => text.replaceAll(/\s+/g, ' ');

describe('tcp-keepalive plan', () => {
  it('prints a policy that meets all needs, with a reason for each number', async () => {
    const { code, plan } = await planned(...everything);
    expect(code).toBe(0);
    expect(plan.policy).toMatch(/^\d+:\d+:\d+$/);
    const whole = `${plan.policy}:${plan.userTimeout}ms`;
    expect(detectionTime(whole)).toEqual(detectionTime(plan.wholePolicy));
    expect(detectionTime(whole).latestMs).toBeLessThanOrEqual(45_000);
    expect(judgeBehind(whole, 'azure-lb').outcome).toBe('safe');
    expect(plan.toleratesMs).toBeGreaterThanOrEqual(20_000);
    expect(plan.why.map((reason) => reason.split(' ')[0])).toEqual(['idle', 'interval', 'user']);
    const { stdout } = await runCli('plan', ...everything);
    const text = flat(stdout);
    expect(text).toContain(`Policy: ${plan.wholePolicy} `);
    for (const reason of plan.why) expect(text).toContain(reason);
    expect(text).toMatch(/ 200000 quiet connections: [\d,]+ packets a second\. The radio wakes up [\d,]+ times a day /);
    expect(text).toContain('Behind Azure Load Balancer: idle timeout 4 min;');
  });

  it('plans what the kernel does', async () => {
    const { plan } = await planned('--detect-within', '6s', '--tolerate', '2s');
    const { code, stdout } = await runCli('demo', '--json', '--policy', plan.wholePolicy);
    const { scenarios } = JSON.parse(stdout) as { scenarios: { name: string; detectedMs: number }[] };
    expect(code).toBe(0);
    expect(scenarios.find(({ name }) => name === 'crash-idle')?.detectedMs).toBeLessThanOrEqual(6000);
  });

  it('has alternatives that meet the needs and are better in something', async () => {
    const { plan } = await planned('--detect-within', '60', '--behind', 'aws-nlb,5m', '--behind', '100s');
    expect(plan.alternatives.length).toBeGreaterThan(1);
    expect(new Set(plan.alternatives.map(({ policy }) => policy)).size).toBe(plan.alternatives.length);
    for (const { wholePolicy } of plan.alternatives) {
      expect(detectionTime(wholePolicy).latestMs).toBeLessThanOrEqual(60_000);
      expect(judgeBehind(wholePolicy, '100s').outcome).toBe('safe');
    }
  });

  it('has the facts about the middleboxes and how sure they are in its JSON', async () => {
    const [planned, refused] = await Promise.all([
      runCli('plan', '--behind', 'home-gateway,4m', '--json'),
      runCli('plan', '--behind', 'istio', '--json'),
    ]);
    expect(JSON.parse(planned.stdout).behind).toMatchObject([
      { name: 'home-gateway', timeoutMs: 240_000, sure: 'secondary' },
      { name: '4m', timeoutMs: 240_000, sure: 'given' },
    ]);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      conflicts: [['behind']],
      behind: [{ name: 'istio', keepAliveCounts: false, sure: 'secondary' }],
    });
  });

  it('shows no time to notice that is longer than what was asked for', async () => {
    const { stdout } = await runCli('plan', '--detect-within', '44.96s', '--tolerate', '10s');
    const noticed = [...stdout.matchAll(/^\d+:\S+ +(\d+\.?\d*) s /gm)].map(([, seconds]) => Number(seconds));
    expect(noticed.length).toBeGreaterThan(1);
    expect(Math.max(...noticed)).toBeLessThanOrEqual(44.96);
  });

  it('says which needs contradict each other, and the nearest that can be met', async () => {
    const { code, plan } = await planned('--detect-within', '5s', '--tolerate', '20s', '--behind', 'azure-lb');
    expect(code).toBe(3);
    expect(plan).toMatchObject({ policy: null, userTimeout: null });
    expect(plan.why).toEqual(['--detect-within 5s and --tolerate 20s contradict each other']);
    expect(plan.alternatives.map(({ giveUp }) => giveUp)).toEqual([['detectWithin'], ['tolerate']]);
    const [later, shorter] = plan.alternatives;
    expect(detectionTime(later?.wholePolicy ?? 'off').latestMs).toBeLessThanOrEqual(later?.nearest ?? 0);
    expect(detectionTime(shorter?.wholePolicy ?? 'off').latestMs).toBeLessThanOrEqual(5000);
    // The nearest can be met, and nothing nearer.
    const tolerate = ['--tolerate', '20s', '--behind', 'azure-lb', '--detect-within'];
    const nearest = (later?.nearest ?? 0) / 1000;
    expect((await planned(...tolerate, `${nearest}s`)).code).toBe(0);
    expect((await planned(...tolerate, `${nearest - 1}s`)).code).toBe(3);
    const text = await runCli('plan', '--detect-within', '5s', '--tolerate', '20s');
    expect([text.code, text.stderr]).toEqual([3, '']);
    expect(text.stdout).toMatch(
      /^No policy meets all needs: --detect-within 5s and --tolerate 20s contradict each other\.\n\n/,
    );
    expect(text.stdout).toMatch(/^--detect-within \d+s +\d+:1:21:\d+ /m);
  });

  it.each([
    [['--behind', 'aws-alb'], /No policy meets --behind aws-alb\. .*terminates TCP.*HTTP\/2 PING/],
    [['--behind', 'kemp'], /Whether keepalive counts at Kemp LoadMaster is not known/],
    [['--behind', 'mobile-carrier'], /The idle timeout of mobile carriers is not known.*--behind 4m/],
    [['--behind', '1s'], /No policy meets --behind 1s\. .*--behind 3s /],
    [['--detect-within', '20ms'], /No policy meets --detect-within 20ms\. .*--detect-within 4s /],
    [['--tolerate', '9999h'], /No policy meets --tolerate 9999h\. .*--tolerate \d+[hms] /],
    [['--loss', '99.9%', '--max-false', '1e-300'], /No policy meets --max-false 1e-300\. .*--max-false 0\.\d+ /],
    [['--connections', '1000000000', '--max-packets-per-second', '0.5'], /--max-packets-per-second \d+ /],
    [['--behind', 'aws-alb', '--detect-within', '5s', '--tolerate', '20s'], /without --detect-within, --behind /],
    [
      ['--behind', 'aws-alb', '--detect-within', '5s', '--tolerate', '20s'],
      /^No policy meets --behind aws-alb\. --detect-within 5s and --tolerate 20s contradict each other\. .*\(from a secondary source\)\./,
    ],
    [
      ['--behind', 'home-gateway', '--connections', '100000', '--max-packets-per-second', '100'],
      /Home gateways: idle timeout 4 min \(from a secondary source\)\. .*for all connections together: 100,000\./,
    ],
    [
      ['--loss', '50%', '--burst', '10m', '--max-false', '1e-9', '--detect-within', '60s'],
      /The path loses 50 % of the packets, in outages of 600 s on average\./,
    ],
  ])('%j cannot be met', async (args, says) => {
    const { code, stdout, stderr } = await runCli('plan', ...args);
    expect([code, stderr]).toEqual([3, '']);
    expect(flat(stdout)).toMatch(says);
  });

  it.each([
    [[], /nothing is asked for: .*--detect-within.*--battery/],
    [['--json'], /nothing is asked for/],
    [['--detect-within', '0'], /--detect-within/],
    [['--detect-within', '-5s'], /--detect-within/],
    [['--detect-within', '1ms'], /at least 20 ms/],
    [['--detect-within', '999d'], /--detect-within.*duration/],
    [['--detect-within', '45000'], /--detect-within/],
    [['--detect-within', ''], /--detect-within/],
    [['--loss', '100%'], /share from 0 to less than 1/],
    [['--loss', '5'], /share from 0 to less than 1/],
    [['--loss', '-1%'], /share from 0 to less than 1/],
    [['--max-false', '0'], /number above 0/],
    [['--max-false', '1e-400'], /number above 0/],
    [['--max-false', '1e400'], /number above 0/],
    [['--max-false', 'never'], /number above 0/],
    [['--connections', '0'], /whole number from 1/],
    [['--connections', '1000000000000'], /whole number from 1 to 1000000000/],
    [['--burst', '5s'], /--burst is for --loss/],
    [['--behind', 'aws-nbl'], /did you mean "aws-nlb"/],
    [['--behind', 'aws-nlb,'], /--behind/],
    [['--behind', 'größe'], /--behind must be/],
    [['--tolerate', '５s'], /--tolerate/],
    [['30:5:3'], /too many arguments/],
    [['--detect-within', '45s', '--detect-within', '60s'], /'60s' is invalid\. The option was given before/],
  ])('refuses %j in one line', async (args, message) => {
    const { code, stdout, stderr } = await runCli('plan', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^tcp-keepalive: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it.each([80, 60])('fits %i columns, and cuts no word', async (cols) => {
    const screens = [everything, ['--detect-within', '5s', '--tolerate', '20s', '--loss', '1%']];
    for (const args of screens) {
      const { result } = onTerminal(cols, 60, 'plan', ...args);
      const { stdout } = await result;
      const lines = stripVTControlCharacters(stdout).split('\r\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(cols);
      expect(stdout).not.toContain('…');
      expect(stdout).toMatch(/POLICY +NOTICED/);
    }
  });
});
