import { describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.js';
import { projectBlocks } from './blocks.js';

const blocks = projectBlocks().filter(({ file }) => file === 'docs/choose-a-policy.md');

/** Each command of the page that has an output below it, and that output. */
const cases = blocks.flatMap(({ language, code, exits }, at) => {
  const next = blocks[at + 1];
  const isCase = language === 'sh' && next?.language === 'text';
  return isCase ? [{ command: code.trim(), output: next.code, exits }] : [];
});

describe('docs/choose-a-policy.md', () => {
  it('has the usual cases', () => expect(cases.length).toBeGreaterThanOrEqual(8));

  it.each(cases)(
    'prints what $command prints: after a build, scripts/plan-outputs.mjs writes it anew',
    async ({ command, output, exits }) => {
      const [program, ...args] = command.split(/\s+/);
      expect(program).toBe('tcp-keepalive');
      const { code, stdout, stderr } = await runCli(...args);
      expect(stdout).toBe(output);
      expect([exits.includes(code ?? -1), stderr]).toEqual([true, '']);
    },
  );
});
