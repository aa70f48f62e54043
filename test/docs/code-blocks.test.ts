import { afterAll, describe, expect, it } from 'vitest';
import { projectBlocks, titleOf } from './blocks.js';
import { programLimitMs } from './child.js';
import { findGo } from './go.js';
import { runBlock } from './run-block.js';
import { Scratch } from './scratch.js';
import { typeErrors } from './type-check.js';

const blocks = projectBlocks();
const go = blocks.some(({ language }) => language === 'go') ? findGo(23) : undefined;
const scratch = new Scratch();
afterAll(() => scratch.remove());

// The first Go program also compiles Go's standard library.
const limitMs = programLimitMs + 300_000;

describe.concurrent('code blocks of the documents run', () => {
  for (const block of blocks) {
    it.skipIf(block.language === 'go' && go === undefined)(
      titleOf(block),
      async () => void (await runBlock(block, { scratch, go })),
      limitMs,
    );
  }

  it('README.md has programs only that run when they are pasted into an .mjs file', () => {
    expect(blocks.filter(({ file, language }) => file === 'README.md' && language === 'ts')).toEqual([]);
  });

  it('TypeScript blocks pass the strict type check', async () => {
    expect(await typeErrors(blocks, scratch)).toBe('');
  });
});
