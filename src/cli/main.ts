#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';

/** Each verb's module is loaded when it is called, because loading them all takes longer than most of them run. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  ls: async () => (await import('./commands/ls.js')).lsCommand(),
  set: async () => (await import('./commands/set.js')).setCommand(),
  check: async () => (await import('./commands/check.js')).checkCommand(),
  demo: async () => (await import('./commands/demo.js')).demoCommand(),
  defaults: async () => (await import('./commands/defaults.js')).defaultsCommand(),
};

/** The verb that is called or asked about, or all of them, for the program's own help and what it says of a mistake. */
function loadCommands([first = '', second = '']: readonly string[]): Promise<Command[]> {
  const called = first === 'help' ? second : first;
  const wanted = Object.hasOwn(verbs, called) ? [called] : Object.keys(verbs);
  return Promise.all(wanted.map((verb) => (verbs[verb] as () => Promise<Command>)()));
}

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}

async function isExpected(error: unknown): Promise<boolean> {
  const { SelectionError } = await import('../host/selection-error.js');
  const { RecordError } = await import('../host/undo.js');
  const { SystemCallError, UnsupportedError } = await import('../native/index.js');
  const { PolicyError } = await import('../policy/index.js');
  const expected = [PolicyError, RecordError, SelectionError, SystemCallError, UnsupportedError];
  return expected.some((type) => error instanceof type);
}

const program = new Command('tcp-keepalive')
  .description('TCP keepalive that holds, and proof of who is still there')
  .version(packageVersion())
  .addHelpText(
    'after',
    `
Examples:
  $ tcp-keepalive demo
  $ tcp-keepalive ls --verdict unprotected`,
  );

for (const command of await loadCommands(process.argv.slice(2))) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  if (!(await isExpected(error))) throw error;
  process.stderr.write(`tcp-keepalive: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
