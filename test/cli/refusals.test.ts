import { describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

describe('what tcp-keepalive ls refuses', () => {
  it.each([
    ['pid', 'x'],
    ['pid', '0'],
    ['pid', ''],
    ['port', '0'],
    ['port', '70000'],
    ['port', '9-3'],
    ['port', 'http'],
    ['remote', '10.0.0.0/33'],
    ['remote', 'example.com'],
    ['state', 'open'],
    ['verdict', 'good'],
    ['cgroup', 'system.slice'],
    ['netns', 'no-such-namespace'],
    ['process', ''],
    ['unit', 'a,,b'],
    ['local', 'localhost'],
    ['command', ''],
  ])('refuses --%s %j in one line that names it', async (filter, value) => {
    const { code, stdout, stderr } = await runCli('ls', `--${filter}`, value);
    expect(stderr).toMatch(new RegExp(`^tcp-keepalive: ${filter} must .*got .*\n$`));
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it.each([
    [['--within', 'soon'], '--within'],
    [['--within', '0'], '--within'],
    [['--sort', 'colour'], '--sort'],
    [['--group', 'colour'], '--group'],
    [['--watch', 'often'], '--watch'],
    [['--fast', '--verdict', 'slow'], '--fast'],
    [['--color', 'sometimes'], '--color'],
    [['--explain', '--json'], '--explain'],
    [['--explain', '--watch'], '--explain'],
    [['--explain', '--group', 'port'], '--explain'],
    [['stray'], 'argument'],
  ])('refuses %j in one line', async (args, named) => {
    const { code, stdout, stderr } = await runCli('ls', ...args);
    expect(stderr).toContain(named);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });
});

it.each([
  [['check', '--yes', '--port', '1'], '--yes is for --reap'],
  [['check', '--unconfirmed', '--port', '1'], '--unconfirmed is for --reap'],
  [['check', '--timeout', '1ms', '--port', '1'], 'at least 20 ms'],
  [['ls', '--within', '1ms'], 'at least 20 ms'],
  [['ls', '--watch', '1ms'], 'at least 20 ms'],
  [['lss'], 'Did you mean ls?'],
])('refuses %j with the one prefix', async (args, named) => {
  const { code, stdout, stderr } = await runCli(...args);
  expect(stderr).toMatch(/^tcp-keepalive: .*\n$/);
  expect(stderr).toContain(named);
  expect([code, stdout]).toEqual([1, '']);
});

it.each([[[]], [['help', 'lss']]])('answers %j with help, a line each', async (args) => {
  const { code, stdout, stderr } = await runCli(...args);
  expect(stderr).toMatch(/^Usage: tcp-keepalive \[options\] \[command\]\n\n/);
  expect(stderr).toContain('\n  $ tcp-keepalive demo\n');
  expect([code, stdout]).toEqual([1, '']);
});

it('says of a check that nothing matches', async () => {
  const { code, stdout } = await runCli('check', '--pid', '4194304');
  expect([code, stdout]).toEqual([1, 'no connection matches\n']);
});

it('refuses a time-out of check that is a slip of unit in one line', async () => {
  const { code, stdout, stderr } = await runCli('check', '--timeout', '1ms', '--port', '1');
  expect(stderr).toMatch(/^tcp-keepalive: .*timeout.*\n$/);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});
