import { spawn } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { detectionTime } from '../../src/index.js';
import { finished, program, runCli } from './run-cli.js';
import { onTerminal } from './terminal.js';

describe('tcp-keepalive explain', () => {
  it('prints the times of the model, the cost, the false alarms and the warnings, in 80 columns', async () => {
    const { code, stdout, stderr } = await runCli('explain', '30:5:3', '--loss', '5%', '--connections', '200000');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^a quiet peer vanishes +45\.0 \.\. 47\.9 s +ETIMEDOUT$/m);
    expect(stdout).toMatch(/^it reboots, and answers with RST +30\.0 \.\. 32\.1 s +ECONNRESET$/m);
    expect(stdout).toMatch(/^40\.0 \.\. \d\d\.\d s +probe 3$/m);
    expect(stdout).toMatch(/^\|\.+\?\.+\?\.+\?\.+x+$/m);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /5,760 packets, 300 kB, a day\. 200000 connections: 13,333 packets a second/,
    );
    expect(stdout.replace(/\s+/g, ' ')).toContain('healthy, quiet connection 2.62 times a day: 3 lost probes in a row');
    expect(stdout).toContain('warning data-in-flight-governs: ');
  });

  it('prints JSON with the numbers of detectionTime', async () => {
    const policy = '20:10:4:auto';
    const { stdout } = await runCli('explain', policy, '--json', '--heartbeat', '5s', '--retries2', '8');
    const { detection, timeline, falseAlarm, warnings, ...rest } = JSON.parse(stdout);
    expect(rest).toMatchObject({ policy, numbers: { idle: 20_000, userTimeout: 60_000 }, traffic: { connections: 1 } });
    expect(detection.idle).toEqual(detectionTime(policy));
    expect(detection.inFlight).toEqual(detectionTime(policy, 'data-in-flight', { retries2: 8 }));
    expect(detection.rebooted).toEqual(detectionTime(policy, 'rebooted'));
    // The next heartbeat is in flight before keepalive begins.
    expect(detection.heartbeat.earliestMs).toBe(5000 + detection.inFlight.earliestMs);
    expect(timeline.at(-1)).toMatchObject({ step: 'dead', ...detection.idle });
    expect(detection.zeroWindow.earliestMs).toBeGreaterThanOrEqual(60_000);
    expect([falseAlarm, warnings]).toEqual([null, []]);
  });

  it('leaves out the middle of a long timeline', async () => {
    const { stdout } = await runCli('explain', '1:1:1:2147483647ms');
    const rows = stdout.split('\n').filter((line) => / probe \d|^\.\.\. /.test(line));
    expect(rows.map((row) => row.trim().replace(/^.*probe /, ''))).toEqual([
      ...Array.from({ length: 10 }, (_, index) => String(index + 1)),
      expect.stringMatching(/^\.\.\. +\.\.\.$/),
      '128 to 2147483, unless timers are late',
    ]);
    expect(stdout).toContain('the connection ends: ETIMEDOUT');
  });

  it('says whether probes are in time for a middlebox, with the arithmetic and a warning', async () => {
    const args = ['explain', '340:5:3:auto', '--behind', 'aws-nlb,aws-alb', '--behind', '2000s'];
    const { behind, warnings } = JSON.parse((await runCli(...args, '--json')).stdout);
    expect(behind).toMatchObject([
      { name: 'aws-nlb', timeoutMs: 350_000, outcome: 'too-late', recommendedIdleMs: 311_000, sure: 'confirmed' },
      { name: 'aws-alb', outcome: 'not-counted', recommendedIdleMs: null, sure: 'secondary' },
      { name: '2000s', outcome: 'safe' },
    ]);
    expect(warnings.map(({ code }: { code: string }) => code)).toEqual([
      ...['idle-too-close', 'keepalive-does-not-count'],
      // The timer of a long idle time can be later than the intervals take.
      'user-timeout-allows-one-probe',
    ]);
    const text = (await runCli(...args)).stdout.replace(/\s+/g, ' ');
    expect(text).toMatch(
      /Behind AWS NLB.*, 5 min 50 s: not safe: the first probe goes out after 6 min \d+ s at the latest\./,
    );
    expect(text).toMatch(/, 60 s \(from a secondary source\): not safe: probes do not count there\./);
  });

  it('says when a connection ends that a middlebox has forgotten, if it forgets each', async () => {
    const args = ['explain', '400:5:3', '--behind', 'aws-nlb,350s'];
    const { behind } = JSON.parse((await runCli(...args, '--json')).stdout);
    // The next probe is answered with RST; or, for all that is known of the other, by nobody.
    const reset = detectionTime('400:5:3', 'rebooted');
    expect(behind[0]).toMatchObject({ onExpiry: 'reset', noticed: reset });
    const noticed = { earliestMs: reset.earliestMs, latestMs: detectionTime('400:5:3').latestMs };
    expect(behind[1]).toMatchObject({ onExpiry: 'unknown', noticed });
    expect((await runCli(...args)).stdout.replace(/\s+/g, ' ')).toMatch(
      /at the latest\. A quiet connection ends after 6 min 40 s \.\. \d+ min \d+ s\./,
    );
    const near = JSON.parse((await runCli('explain', '340:5:3', '--behind', 'aws-nlb', '--json')).stdout);
    expect(near.behind[0]).toMatchObject({ outcome: 'too-late', noticed: null });
  });

  it('lists the middleboxes that have a name', async () => {
    const { stdout } = await runCli('explain', '--middleboxes');
    expect(stdout).toMatch(/^NAME +TIMEOUT +PROBES COUNT +ON EXPIRY +SURE +WHAT IT IS$/m);
    expect(stdout).toMatch(/^aws-nlb +5 min 50 s +yes +reset +confirmed +/m);
    const { middleboxes } = JSON.parse((await runCli('explain', '--middleboxes', '--json')).stdout);
    expect(middleboxes.length).toBeGreaterThan(30);
  });

  it('reads the policy from the configuration of another system', async () => {
    const { code, stdout, stderr } = await runCli('explain', '--from', 'redis', 'tcp-keepalive 60');
    expect([code, stdout]).toEqual([0, (await runCli('explain', '60:20:3')).stdout]);
    expect(stderr).toMatch(
      /^tcp-keepalive: the text does not say the interval: Redis uses a third of tcp-keepalive: 20 s$/m,
    );
    const json = await runCli('explain', '--from', 'nginx', 'listen 80 so_keepalive=30:5:3;', '--json');
    expect([JSON.parse(json.stdout).policy, json.stderr]).toEqual(['30:5:3', '']);
    // Text that begins with a hyphen is no option.
    const curl = await runCli('explain', '--from', 'curl', '--keepalive-time 60 --keepalive-cnt 3', '--json');
    expect([curl.code, JSON.parse(curl.stdout).policy]).toEqual([0, '60:60:3']);
  });

  it.each([
    ['haproxy', 'clitcpka-idle 30s', '"option clitcpka" or "option srvtcpka" is missing', '30:75:9'],
    ['sysctl', 'net.ipv4.tcp_keepalive_time = 30', 'each program has to', '30:75:9'],
  ])('warns of %s lines that turn no keepalive on', async (from, text, message, policy) => {
    const { policy: read, warnings } = JSON.parse((await runCli('explain', '--from', from, text, '--json')).stdout);
    const warning = { code: 'off-by-default', message: `these lines alone turn no keepalive on: ${message}` };
    expect([read, warnings[0]]).toMatchObject([policy, warning]);
    expect(warnings[0].source).toMatch(/^https:/);
    const { stdout, stderr } = await runCli('explain', '--from', from, text);
    expect(stdout.replace(/\s+/g, ' ')).toContain(`warning off-by-default: ${warning.message}`);
    expect(stderr).not.toContain('turn no keepalive on');
  });

  it.each([[['off']], [['--from', 'nginx', 'listen 80 so_keepalive=off;']], [['--from', 'redis', 'tcp-keepalive 0']]])(
    'answers %j: a quiet peer is never noticed',
    async (args) => {
      const { code, stdout, stderr } = await runCli('explain', ...args, '--behind', 'aws-nlb');
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^off: keepalive is off\n\n/);
      expect(stdout).toMatch(/^a quiet peer vanishes +never +-$/m);
      expect(stdout).toMatch(/^it vanishes with data in flight +15 min 25 s \.\. 17 min +ETIMEDOUT$/m);
      expect(stdout).toContain('not safe: keepalive is off.');
      expect(stdout.replace(/\s+/g, ' ')).toContain(
        'warning keepalive-off: keepalive is off: a quiet peer that vanishes is never noticed; with data in flight it is',
      );
      const { detection, ...rest } = JSON.parse(
        (await runCli('explain', ...args, '--heartbeat', '10h', '--json')).stdout,
      );
      expect(rest).toMatchObject({ policy: 'off', numbers: null, timeline: [], warnings: [{ code: 'keepalive-off' }] });
      const { inFlight, heartbeat } = detection;
      expect(detection.idle).toEqual({ earliestMs: null, latestMs: null });
      expect(inFlight).toEqual(detectionTime('30:5:3', 'data-in-flight'));
      expect(heartbeat.earliestMs).toBe(36_000_000 + inFlight.earliestMs);
    },
  );

  it('explains each policy of a text that has several, with its line', async () => {
    const text = 'option clitcpka\nclitcpka-idle 60s\n\noption srvtcpka\nsrvtcpka-idle 120s\nsrvtcpka-cnt 3\n';
    const { code, stdout, stderr } = await runCli('explain', '--from', 'haproxy', text);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Policy 1 of 2, line 2, clitcpka-idle:\n\n60:75:9: /);
    expect(stdout).toMatch(/^Policy 2 of 2, line 5, srvtcpka-idle:\n\n120:75:3: /m);
    expect(stderr).toMatch(/^tcp-keepalive: line 2: the text does not say the interval/m);
    const listed = JSON.parse((await runCli('explain', '--from', 'haproxy', text, '--json')).stdout);
    expect(listed).toMatchObject([
      { line: 2, word: 'clitcpka-idle', policy: '60:75:9' },
      { line: 5, word: 'srvtcpka-idle', policy: '120:75:3' },
    ]);
    expect(listed).toHaveLength(2);
  });

  it('shows the timeline with data in flight too', async () => {
    const { stdout } = await runCli('explain', '30:5:3:auto');
    expect(stdout).toMatch(
      /^It vanishes with data in flight: the data is sent again \d times, at growing intervals\.\n\n\?+[?.]+x+$/m,
    );
    const { detection, inFlightTimeline } = JSON.parse((await runCli('explain', '30:5:3:auto', '--json')).stdout);
    expect(inFlightTimeline[0]).toMatchObject({ step: 'write', earliestMs: 0 });
    expect(inFlightTimeline.at(-1)).toMatchObject({ step: 'dead', ...detection.inFlight });
  });

  it('writes the timeline as a picture', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-explain-'));
    try {
      const file = join(folder, 'timeline.svg');
      const { code } = await runCli('explain', '30:5:3:auto', '--svg', file);
      expect(code).toBe(0);
      const svg = readFileSync(file, 'utf8');
      expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
      expect(svg.match(/<rect /g)).toHaveLength(5);
      expect(svg).toContain('<title>probe 3: 40.0 .. 42.6 s</title>');
      expect(svg).toMatch(/<text [^>]*>45\.0 \.\. 47\.9 s<\/text>/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('leaves a picture as it was if the new one cannot be written, and keeps links and rights', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-explain-'));
    try {
      const [file, link] = [join(folder, 'timeline.svg'), join(folder, 'link.svg')];
      writeFileSync(file, 'the old picture', { mode: 0o640 });
      symlinkSync('timeline.svg', link);
      const limited = `ulimit -f 0; '${process.execPath}' '${program}' explain 30:5:3 --svg '${link}'`;
      const { code, stdout } = await finished(spawn('bash', ['-c', limited]));
      expect([code, stdout]).toEqual([1, '']);
      expect(readFileSync(file, 'utf8')).toBe('the old picture');
      expect((await runCli('explain', '30:5:3', '--svg', link)).code).toBe(0);
      expect(readFileSync(file, 'utf8')).toMatch(/^<svg /);
      expect([lstatSync(link).isSymbolicLink(), statSync(file).mode & 0o777]).toEqual([true, 0o640]);
      expect(readdirSync(folder).sort()).toEqual(['link.svg', 'timeline.svg']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has labels that do not cover each other, and one for the end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-explain-'));
    try {
      const file = join(folder, 'timeline.svg');
      await runCli('explain', '1:1:127', '--svg', file);
      const found = readFileSync(file, 'utf8').matchAll(/<text x="([\d.]+)" y="(1\d\d)"[^>]*>([^<]*)</g);
      const labels = [...found].map(([, x, row, text]) => ({ x: Number(x), row, text }));
      expect(labels.map(({ text }) => text)).toContain('2 min 8 s .. 2 min 19 s');
      for (const row of ['110', '130']) {
        const xs = labels.filter((label) => label.row === row).map(({ x }) => x);
        const gaps = xs.sort((a, b) => a - b).map((x, index) => x - (xs[index - 1] ?? Number.NEGATIVE_INFINITY));
        expect(Math.min(...gaps)).toBeGreaterThan(50);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says the same time with data in flight in the table and in the warning', async () => {
    const { stdout } = await runCli('explain', '30:5:3', '--retries2', '3');
    const { latestMs } = detectionTime('30:5:3', 'data-in-flight', { retries2: 3 });
    expect(stdout.replace(/\s+/g, ' ')).toContain(`is noticed after up to ${Math.ceil(latestMs / 1000)} s`);
  });

  it('has words for what is rare and for what is little', async () => {
    const { stdout } = await runCli('explain', '32767:1:1:1ms', '--loss', '0.000000001%');
    expect(stdout).toContain('5.27 packets, 274 bytes, a day');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/once in [\d,]+ years: 1 lost probe in a row/);
    const rarest = await runCli('explain', '30:5:3', '--loss', '0.000000001%');
    expect(rarest.stdout.replace(/\s+/g, ' ')).toContain('less than once in 1,000,000,000 years');
    expect((await runCli('explain', '30:5:3:1ms')).stdout.replace(/\s+/g, ' ')).toContain('1 unanswered probe ends it');
  });

  it.each([40, 60, 80])('fits a window of %i columns, and shows each time in full', async (columns) => {
    const args = ['340:5:3:auto', '--behind', 'aws-nlb,mobile-carrier', '--loss', '5%', '--heartbeat', '5s'];
    const { stdout } = await onTerminal(columns, 40, 'explain', ...args).result;
    const lines = stripVTControlCharacters(stdout).split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(
      lines.filter((line) => /^(a quiet|it van|it reb)/.test(line) && / \d+ min[^…]* \.\. \d+ min/.test(line)),
    ).toHaveLength(4);
  });

  it.each([
    [['30:5'], /policy must be/],
    [['30:5:3', '--loss', '100%'], /share from 0 to less than 1/],
    [['30:5:3', '--loss', 'much'], /share from 0 to less than 1/],
    [['30:5:3', '--burst', '5s'], /--burst is for --loss/],
    [['30:5:3', '--connections', '0'], /whole number from 1/],
    [['30:5:3', '--svg', '/no/such/folder/t.svg'], /'\/no\/such\/folder\/t\.svg' could not be written: ENOENT, /],
    [['30:5:3', '--svg', '/dev/full'], /'\/dev\/full' could not be written: ENOSPC, /],
    [['30:5:3', '--behind', 'aws-nbl'], /did you mean "aws-nlb"/],
    [['30:5:3', '--middleboxes'], /--middleboxes takes no policy/],
    [[], /missing argument 'policy'/],
    [['30:5:3', '--svgg', 't.svg'], /unknown option '--svgg'; did you mean "--svg"\?/],
    [['30:5:3', '60:5:3'], /too many arguments: 1 expected, got 2/],
    [['off', '--svg', '/tmp/t.svg'], /--svg draws probes, and keepalive is off/],
    [['--from', 'nginx', 'so_keepalive=1:1:1; so_keepalive=2:1:1', '--svg', 't.svg'], /--svg takes one policy/],
    [['--from', 'redis', 'tcp-keepaliv 60'], /redis, line 1: unknown word "tcp-keepaliv"/],
    [['--from', 'redis', '/etc/passwd'], /'\/etc\/passwd' is a file, and not its text/],
    [['--from', 'radis', 'tcp-keepalive 60'], /unknown system "radis"; did you mean "redis"/],
  ])('refuses %j in one line', async (args, message) => {
    const { code, stdout, stderr } = await runCli('explain', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^tcp-keepalive: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });
});
