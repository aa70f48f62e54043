import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { loopbackPair } from '../../src/testing/index.js';
import { finished, program, runCli } from './run-cli.js';
import { shellOnTerminal } from './terminal.js';

const colourStart = '\u001b[';
const run = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  finished(spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } }));

describe.concurrent('colours', () => {
  it('never reach a pipe unless they are asked for', async () => {
    using pair = await loopbackPair();
    const filters = ['--pid', `${process.pid}`, '--port', `local:${pair.server.localPort}`];
    for (const verb of ['ls', 'check']) {
      expect((await runCli(verb, ...filters)).stdout).not.toContain(colourStart);
      expect((await run({ TERM: 'xterm-256color' }, verb, ...filters, '--color', 'auto')).stdout).not.toContain(
        colourStart,
      );
      expect((await run({ FORCE_COLOR: '1' }, verb, ...filters)).stdout).toContain(colourStart);
      expect((await run({ NO_COLOR: '1', TERM: 'dumb' }, verb, ...filters, '--color', 'always')).stdout).toContain(
        colourStart,
      );
      expect((await run({ FORCE_COLOR: '1' }, verb, ...filters, '--color', 'never')).stdout).not.toContain(colourStart);
      const json = await run({ FORCE_COLOR: '1' }, verb, ...filters, '--json', '--color', 'always');
      expect(json.stdout).not.toContain(colourStart);
      expect(json.code).toBe(0);
    }
  });

  it.each([
    ['TERM=xterm-256color', true],
    ['TERM=xterm-256color NO_COLOR=1', false],
    ['TERM=dumb', false],
  ])('on a terminal with %s: %s', async (env, isColoured) => {
    // CI, COLORTERM and others tell Node.js of how many colours a terminal is.
    using pair = await loopbackPair();
    const command = `${process.execPath} ${program} ls --pid ${process.pid} --port local:${pair.server.localPort}`;
    const { stdout, code } = await shellOnTerminal(100, 24, `exec env -i PATH="$PATH" ${env} ${command}`).result;
    expect(stdout.includes(`${colourStart}38;5;160munprotected${colourStart}39m`)).toBe(isColoured);
    expect(stdout.includes(colourStart)).toBe(isColoured);
    expect(code).toBe(0);
  });
});
