import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Block, projectRoot } from './blocks.js';
import { runToSuccess } from './child.js';
import { buildGo } from './go.js';
import type { Scratch } from './scratch.js';
import { faultOf, readShell } from './shell-commands.js';

/** What the blocks are run with: the scratch project, and the go command where there is one. */
export interface Surroundings {
  readonly scratch: Scratch;
  readonly go: string | undefined;
}

type Runner = (block: Block, surroundings: Surroundings) => Promise<string>;

/** The source of a program in which every line stands where it stands in the document. */
export function atItsLine({ line, code }: Block): string {
  return '\n'.repeat(line) + code;
}

function importsFrom(block: Block, module: string): boolean {
  return new RegExp(`from\\s+['"]${module}['"]`).test(block.code);
}

const runNode: Runner = (block, { scratch }) => {
  const directory = scratch.subdirectory();
  const isVitest = importsFrom(block, 'vitest');
  const extension = block.language === 'js' ? 'mjs' : block.language;
  const file = path.join(directory, `${isVitest ? 'block.test' : 'block'}.${extension}`);
  writeFileSync(file, atItsLine(block));
  if (isVitest) {
    const vitest = path.join(scratch.directory, 'node_modules/vitest/vitest.mjs');
    return runToSuccess(process.execPath, [vitest, 'run', '--root', directory, file], { cwd: directory });
  }
  const loader = block.language === 'ts' ? ['--import', 'tsx'] : [];
  const runner = importsFrom(block, 'node:test') ? ['--test'] : [];
  return runToSuccess(process.execPath, [...loader, ...runner, file], { cwd: directory });
};

// `test/consumers` runs tests for jest, which is installed there.
const runCommonJs: Runner = async (block, surroundings) =>
  block.name?.startsWith('jest') ? block.code : runNode(block, surroundings);

const runGo: Runner = async (block, { scratch, go }) => {
  if (go === undefined) throw new Error('Go is not installed');
  const program = await buildGo(block, go, scratch);
  return runToSuccess(program, [], { cwd: path.dirname(program) });
};

/** Runs a shell block. Commands that ask the machine may end with what `exits` of the block allows. */
const runShell: Runner = async (block, { scratch }) => {
  const { script, projectCommands } = readShell(block.language, block.code);
  for (const command of projectCommands) {
    const fault = faultOf(command);
    if (fault !== undefined) throw new Error(`'${command}' cannot work: ${fault}`);
  }
  if (script === '') return projectCommands.join('\n');
  const directory = scratch.subdirectory();
  symlinkSync(path.join(projectRoot, 'examples'), path.join(directory, 'examples'));
  cpSync(path.join(projectRoot, 'test/docs/programs'), directory, { recursive: true });
  const env = { PATH: `${scratch.binDirectory}:${path.dirname(process.execPath)}:${process.env['PATH']}` };
  const options = { cwd: directory, env, exitCodes: block.exits };
  return runToSuccess('bash', ['-eo', 'pipefail', '-c', script], options);
};

const parseJson: Runner = async (block) => {
  JSON.parse(block.code);
  return block.code;
};

const showOutput: Runner = async (block) => block.code;

const runners: Readonly<Record<string, Runner>> = {
  ts: runNode,
  js: runNode,
  mjs: runNode,
  cjs: runCommonJs,
  go: runGo,
  sh: runShell,
  console: runShell,
  json: parseJson,
  text: showOutput,
  '': showOutput,
};

/** Text on one line: where Node.js or a terminal breaks it does not matter. */
function unwrapped(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/**
 * Runs a block as its language says and gives its output.
 *
 * @throws when it fails, does not end, lacks what it is expected to print, or is of a language nobody runs.
 */
export async function runBlock(block: Block, surroundings: Surroundings): Promise<string> {
  const runner = Object.hasOwn(runners, block.language) ? runners[block.language] : undefined;
  if (runner === undefined) {
    const known = Object.keys(runners).filter((language) => language !== '');
    throw new Error(`nothing runs '${block.language}' blocks: use one of ${known.join(', ')}`);
  }
  const output = await runner(block, surroundings);
  for (const expected of block.expects) {
    if (!unwrapped(output).includes(unwrapped(expected))) throw new Error(`its output lacks '${expected}':\n${output}`);
  }
  return output;
}
