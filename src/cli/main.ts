#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { print, printError, printFailure, shownExitCode } from './shared/output.js';

/** Each verb's module is loaded when it is called, because loading them all takes longer than most of them run. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  ls: async () => (await import('./verbs/ls/command.js')).lsCommand(),
  set: async () => (await import('./verbs/set/command.js')).setCommand(),
  check: async () => (await import('./verbs/check/command.js')).checkCommand(),
  demo: async () => (await import('./verbs/demo/command.js')).demoCommand(),
  defaults: async () => (await import('./verbs/defaults/command.js')).defaultsCommand(),
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

const expected = new Set([
  ...['ConfigurationError', 'FileError', 'NamespaceReturnError', 'PolicyError', 'RecordError'],
  ...['SelectionError', 'SystemCallError', 'UnsupportedError'],
]);

const hints: Readonly<Record<string, string>> = {
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENFILE: 'the machine has no descriptor left (fs.file-max)',
};

/**
 * Returns the line that reports an expected error; undefined for a fault of this program.
 *
 * Compares names of classes: if no descriptor is left, the module of a class cannot be loaded any more.
 */
function explanationOf(error: unknown): string | undefined {
  const { name, code, syscall, path, message } = error as NodeJS.ErrnoException;
  if (expected.has(name)) return message;
  if (typeof code !== 'string' || (syscall === undefined && path === undefined)) return undefined;
  const hint = hints[code] ?? (path?.startsWith('/proc') ? 'this takes /proc, is it mounted?' : undefined);
  return hint === undefined ? message : `${message}: ${hint}`;
}

/** Configures a command, and those below it, to print and to end as the verbs themselves do. */
function configureOutput(command: Command): void {
  const width = () => (isatty(1) ? process.stdout.columns : 80);
  command.configureOutput({
    writeOut: print,
    writeErr: printError,
    getOutHelpWidth: width,
    getErrHelpWidth: width,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  command.exitOverride((error) => process.exit(shownExitCode(error.exitCode)));
  for (const below of command.commands) configureOutput(below);
}

async function run(): Promise<void> {
  // Loaded here, where a lack of descriptors is reported in one line.
  const commander = await import('commander');
  const program = new commander.Command('tcp-keepalive')
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
  configureOutput(program);
  await program.parseAsync();
}

try {
  await run();
} catch (error) {
  const explanation = explanationOf(error);
  if (explanation === undefined) throw error;
  printFailure(explanation);
  // Sockets and timers that are left, perhaps in another network namespace, must not keep this process alive.
  process.exit(1);
}
