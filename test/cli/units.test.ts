import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

describe('a slip of unit or of the pen', () => {
  it.each([
    [['check', '--pid', String(process.pid), '--timeout', '2000'], "did you mean '2s'?"],
    [['ls', '--pid', String(process.pid), '--within', '60000'], "did you mean '60s'?"],
    [['set', '30000:5000:3', '--pid', String(process.pid)], "did you mean '30s:5s:3'?"],
    [['ls', '--sort', '-idel'], 'did you mean "idle"?'],
    [['defaults', 'st'], "unknown command 'st'; known is set"],
  ])('%j ends with code 1, and says what was probably meant', (args, hint) => {
    const { status, stdout, stderr } = run(...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(hint);
  });
});
