import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';
import { onTerminal } from './terminal.js';

/** The lines that a command leaves on a terminal. */
async function linesOf(cols: number, ...args: string[]) {
  const { result } = onTerminal(cols, 40, ...args);
  const { stdout } = await result;
  return stripVTControlCharacters(stdout).split('\r\n');
}

const widest = (lines: readonly string[]) => Math.max(...lines.map((line) => line.length));

describe.concurrent('in a window of 60 columns', () => {
  it.each([
    [['defaults'], /^tcp_keepalive_time .* s /m],
    [['defaults', 'set', '600:30:5', '--dry-run'], /^net\.ipv4\.tcp_keepalive_time .* 600 s$/m],
  ])('%j fits', async (args, what) => {
    const lines = await linesOf(60, ...args);
    expect(widest(lines.filter((line) => !line.trim().startsWith('/')))).toBeLessThanOrEqual(60);
    expect(lines.join('\n')).toMatch(what);
  });

  it('errors fit', async () => {
    const lines = await linesOf(60, 'set', '30:5:3', '--port', '1', '--within', '1h');
    expect(widest(lines)).toBeLessThanOrEqual(60);
    expect(lines.join(' ')).toMatch(/tcp-keepalive: no connection or listener is at port "1"/);
    const usage = await linesOf(60, 'set', '30:5:3:soon', '--port', '1');
    expect(widest(usage)).toBeLessThanOrEqual(60);
    expect(usage.join(' ')).toMatch(/^tcp-keepalive: argument 'policy' '30:5:3:soon' is invalid\. userTimeout must be/);
  });

  it('the counts of set fit', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:3');
    const args = ['--pid', `${process.pid}`, '--port', `${pair.server.localPort}`, '--dry-run'];
    const lines = await linesOf(46, 'set', '30:5:3', ...args);
    expect(widest(lines)).toBeLessThanOrEqual(46);
    expect(lines.join(' ')).toMatch(/would be changed, +1 had it +already/);
  });

  it('the demo fits', async () => {
    const { result, text } = onTerminal(60, 40, 'demo', '--policy', '1:1:2');
    const { code } = await result;
    const lines = (await text()).split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^PEER +EXPECTED +MEASURED +SERVER SEES$/));
    expect(lines).toContainEqual(expect.stringMatching(/^crashes while idle +3\.00-3\.\d\d s +3\.\d\d s +ETIMEDOUT$/));
    expect(lines).toContainEqual(expect.stringMatching(/^falls silent, comes back +survives +ESTABLISHED$/));
    expect(lines).toContainEqual(expect.stringMatching(/^crashes while idle +\.+\?[.?]*# *ETIMEDOUT$/));
    expect(code).toBe(0);
  });

  it.each([60, 50, 40, 26, 16])('ls at %i columns never loses the verdict', async (cols) => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:3:auto');
    const lines = await linesOf(cols, 'ls', '--pid', `${process.pid}`, '--port', `${pair.server.localPort}`);
    expect(widest(lines.slice(0, 3))).toBeLessThanOrEqual(cols);
    expect(lines[0]).toMatch(/VERDICT$/);
    expect([lines[1], lines[2]].map((line) => line?.split(' ').at(-1))).toEqual(['unprotected', 'protected']);
  });

  it('says in words what the rows mean', async () => {
    using pair = await loopbackPair();
    const args = ['--pid', `${process.pid}`, '--port', `local:${pair.server.localPort}`];
    const lines = await linesOf(60, 'ls', '--explain', ...args);
    expect(widest(lines)).toBeLessThanOrEqual(60);
    expect(lines.join('\n')).toMatch(
      /^off, unprotected \(1 connection\): a peer that\s+vanishes\s+is\s+never\s+noticed\s+until\s+the\s+program\s+writes/m,
    );
  });
});
