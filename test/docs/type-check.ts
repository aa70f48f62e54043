import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Block, projectRoot } from './blocks.js';
import { runChild } from './child.js';
import { atItsLine } from './run-block.js';
import type { Scratch } from './scratch.js';

function fileNameOf({ file, line }: Block): string {
  return `${file.replaceAll('/', '_')}.${line}.ts`;
}

/**
 * Type-checks every TypeScript block under the project's own compiler options, in one run.
 *
 * Gives the compiler's messages, '' when there are none; their line numbers are the document's.
 */
export async function typeErrors(blocks: readonly Block[], scratch: Scratch): Promise<string> {
  const programs = blocks.filter(({ language }) => language === 'ts');
  if (programs.length === 0) return '';
  const directory = path.join(scratch.directory, 'type-check');
  mkdirSync(directory, { recursive: true });
  for (const block of programs) writeFileSync(path.join(directory, fileNameOf(block)), atItsLine(block));
  const configuration = {
    extends: path.join(projectRoot, 'tsconfig.json'),
    // A program without an import is a module too, as Node.js runs it.
    compilerOptions: { moduleDetection: 'force', typeRoots: [path.join(projectRoot, 'node_modules/@types')] },
    include: [],
    files: programs.map(fileNameOf),
  };
  writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify(configuration));
  const tsc = path.join(projectRoot, 'node_modules/.bin/tsc');
  const { output, exitCode } = await runChild(tsc, ['--pretty', 'false', '-p', '.'], { cwd: directory });
  return exitCode === 0 ? '' : output || `tsc ended with ${exitCode}`;
}
