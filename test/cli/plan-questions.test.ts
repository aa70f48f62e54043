import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { finished, program, runCli } from './run-cli.js';
import { onTerminal } from './terminal.js';

const questions = [
  /must a lost peer be noticed/,
  /on the path/,
  /How long an outage/,
  /on a battery/,
  /How many connections/,
];

describe.concurrent('tcp-keepalive plan without options, on a terminal', () => {
  it('asks five questions, each with a default, and ends with the options that say the same', async () => {
    const { result, shows, type } = onTerminal(100, 60, 'plan');
    for (const question of questions) {
      await shows(new RegExp(`${question.source}.*\\[\\w+\\]:\\s*$`, 's'));
      type('\r');
    }
    const { code, stdout } = await result;
    expect(code).toBe(0);
    const [, options = ''] = /^The same without questions:\r\n {2}tcp-keepalive plan (.*)\r$/m.exec(stdout) ?? [];
    expect(options).toBe('--detect-within 60s --tolerate 10s --connections 1');
    const [, policy] = /^Policy: (.*)\r$/m.exec(stdout) ?? [];
    expect((await runCli('plan', ...options.split(' '))).stdout).toContain(`Policy: ${policy}\n`);
  });

  it('takes answers, and asks again where one is wrong', async () => {
    const { result, shows, type } = onTerminal(80, 60, 'plan');
    await shows(/\[60s\]:\s*$/s);
    type('soon\r');
    await shows(/A duration of at least 20 ms is needed.*\[60s\]:\s*$/s);
    type('90s\r');
    await shows(/\[none\]:\s*$/s);
    type('aws-nbl\r');
    await shows(/did you mean "aws-nlb".*\[none\]:\s*$/s);
    type('aws-nlb , 5m\r');
    await shows(/\[10s\]:\s*$/s);
    type('None\r');
    await shows(/\[no\]:\s*$/s);
    type('perhaps\r');
    await shows(/'yes' or 'no' is needed\..*\[no\]:\s*$/s);
    type('yes\r');
    await shows(/\[1\]:\s*$/s);
    type('0\r');
    await shows(/A whole number from 1.*\[1\]:\s*$/s);
    type('20000\r');
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /tcp-keepalive plan --detect-within 90s --behind aws-nlb,5m --battery --connections 20000\r$/m,
    );
    expect(stdout).toMatch(/The radio wakes up/);
  });

  it('takes answers that were typed ahead', async () => {
    const { result, shows, type } = onTerminal(80, 60, 'plan');
    await shows(/\[60s\]:\s*$/s);
    type('30s\razure-lb\r5s\rno\r7\r');
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(stdout).toMatch(/plan --detect-within 30s --behind azure-lb --tolerate 5s --connections 7\r$/m);
  });

  it('has exit code 3 if no policy meets what was answered', async () => {
    const { result, shows, type } = onTerminal(80, 60, 'plan');
    await shows(/\[60s\]:\s*$/s);
    type('5s\r\r20s\r\r\r');
    const { code, stdout } = await result;
    expect(code).toBe(3);
    expect(stdout).toMatch(/--detect-within 5s and --tolerate 20s contradict each\s+other\./);
  });

  it.each([
    ['Ctrl+C', '\u0003'],
    ['Ctrl+D', '\u0004'],
    ['Ctrl+C after half an answer', 'az\u0003'],
    ['Ctrl+D after half an answer', '30s\u0004\u0004'],
    ['Ctrl+C at the third question', '\r\r\u0003'],
  ])('ends with %s: exit code 1, and nothing is planned', async (_name, keys) => {
    const { result, shows, type } = onTerminal(80, 60, 'plan');
    await shows(/\[60s\]:\s*$/s);
    for (const key of keys) type(key);
    const { code, stdout } = await result;
    expect(code).toBe(1);
    expect(stdout).not.toContain('Policy');
    expect(stdout).toMatch(/\r\ntcp-keepalive: not all questions were answered: nothing is planned\r\n$/);
  });

  it('shows nothing of a hostile answer as it is, and stays whole in 20 columns', async () => {
    const { result, shows, text, type } = onTerminal(20, 60, 'plan');
    await shows(/\[60s\]:\s*$/s);
    type(`$(reboot) ${'x'.repeat(3000)}\r`);
    await shows(/A duration of.*\[60s\]:\s*$/s);
    type('\r');
    await shows(/\[none\]:\s*$/s);
    type('\u001b]0;title\u0007;--behind x\r');
    await shows(/must be.*\[none\]:\s*$/s);
    type('\r\r\r\r');
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(await text()).toMatch(/^Policy: \d+:\d+:\d+/m);
  });

  it.each([['yes'], ['\u0000']])('gives up where every answer is %j', async (answer) => {
    const { result, shows, type } = onTerminal(80, 60, 'plan');
    await shows(/\[60s\]:\s*$/s);
    type(`${answer}\r`.repeat(20));
    expect((await result).code).toBe(1);
  });
});

it('asks nothing where standard input or output is no terminal', async () => {
  const child = spawn(process.execPath, [program, 'plan']);
  child.stdin.end('\n\n\n\n\n');
  const { code, stdout, stderr } = await finished(child);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^tcp-keepalive: nothing is asked for: /);
});
