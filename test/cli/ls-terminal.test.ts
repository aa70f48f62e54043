import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';
import { onTerminal } from './terminal.js';

describe.concurrent('tcp-keepalive ls on a terminal', () => {
  it.each([80, 100, 160])('prints a table that fits %i columns, with the verdict in it', async (cols) => {
    using pair = await loopbackPair();
    const args = ['ls', '--port', `local:${pair.server.localPort}`, '--pid', `${process.pid}`];
    const { result, text } = onTerminal(cols, 30, ...args);
    const { code, stdout } = await result;
    const lines = stripVTControlCharacters(stdout).split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(cols);
    expect(lines[0]).toMatch(/^PROCESS .*LOCAL .*REMOTE .*KEEPALIVE .*VERDICT$/);
    expect(lines[1]).toMatch(new RegExp(`/${process.pid} .*:${pair.server.localPort} .* off .*unprotected$`));
    expect(await text()).toContain('1 connection: 1 unprotected');
    expect(code).toBe(0);
  });

  it('redraws in place with --watch, until it is interrupted', async () => {
    using pair = await loopbackPair();
    const args = ['--port', `local:${pair.server.localPort}`, '--pid', `${process.pid}`, '--watch', '0.2'];
    const { child, result, text } = onTerminal(80, 30, 'ls', ...args);
    const screen = (what: RegExp) =>
      vi.waitFor(async () => expect(await text()).toMatch(what), { timeout: 30_000, interval: 50 });
    await screen(/ off .*unprotected$/m);
    setKeepAlive(pair.server, '30:5:3');
    await screen(/ 30:5:3 .*protected$/m);
    expect((await text()).match(/VERDICT/g)).toHaveLength(1);
    expect(await text()).not.toContain('unprotected');
    pair.close();
    await screen(/^0 connections$/m);
    child.stdin.write('\u0003');
    expect((await result).code).toBe(0);
    expect((await text()).match(/VERDICT/g)).toHaveLength(1);
  });
});
