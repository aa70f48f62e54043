#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command } from 'commander';
import { print, printError, printFailure, shownExitCode } from './output.js';

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

/** Returns what to say of an error: one line for what can happen to anybody, undefined for a fault of this program. */
async function explanationOf(error: unknown): Promise<string | undefined> {
  const { NamespaceReturnError } = await import('../native/network-namespace.js');
  const { RecordError } = await import('../host/record.js');
  const { SelectionError } = await import('../host/selection-error.js');
  const { FileError } = await import('../host/sysctl/file-error.js');
  const { SystemCallError, UnsupportedError } = await import('../native/index.js');
  const { PolicyError } = await import('../policy/index.js');
  const ours = [
    ...[FileError, NamespaceReturnError, PolicyError, RecordError, SelectionError, SystemCallError, UnsupportedError],
  ];
  if (ours.some((type) => error instanceof type)) return (error as Error).message;
  const { code, syscall, path, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || (syscall === undefined && path === undefined)) return undefined;
  return path?.startsWith('/proc') ? `${message}: this takes /proc, is it mounted?` : message;
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
  configureOutput(program);
  await program.parseAsync();
}

try {
  await run();
} catch (error) {
  const explanation = await explanationOf(error);
  if (explanation === undefined) throw error;
  printFailure(explanation);
  // Sockets and timers that are left, in a network namespace that may be another, must not keep this process.
  process.exit(1);
}
