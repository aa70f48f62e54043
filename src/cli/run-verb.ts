import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command } from 'commander';
import { print, printError, printMessage, shownExitCode } from './shared/output.js';

/** Each verb's module is loaded when the verb is called, because loading them all takes longer than most of them run. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  ls: async () => (await import('./verbs/ls/command.js')).lsCommand(),
  set: async () => (await import('./verbs/set/command.js')).setCommand(),
  check: async () => (await import('./verbs/check/command.js')).checkCommand(),
  explain: async () => (await import('./verbs/explain/command.js')).explainCommand(),
  plan: async () => (await import('./verbs/plan/command.js')).planCommand(),
  demo: async () => (await import('./verbs/demo/command.js')).demoCommand(),
  defaults: async () => (await import('./verbs/defaults/command.js')).defaultsCommand(),
  nat: async () => (await import('./verbs/nat/command.js')).natCommand(),
  export: async () => (await import('./verbs/export/command.js')).exportCommand(),
  completion: async () => (await import('./verbs/completion/command.js')).completionCommand(),
  man: async () => (await import('./verbs/man/command.js')).manCommand(),
};

/** Verbs that describe all verbs, so that all verbs are loaded. */
const describing = new Set(['completion', 'man']);

/** Returns the verb that is called or asked about, or all of them, for the program's own help and for what is no verb. */
function loadCommands([first = '', second = '']: readonly string[]): Promise<Command[]> {
  if (first === '--version' || first === '-V') return Promise.resolve([]);
  const called = first === 'help' ? second : first;
  const isAlone = Object.hasOwn(verbs, called) && !describing.has(called);
  const wanted = isAlone ? [called] : Object.keys(verbs);
  return Promise.all(wanted.map((verb) => (verbs[verb] as () => Promise<Command>)()));
}

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}

/** Configures a command, and those below it, to print and to end as the verbs themselves do. */
function configureOutput(command: Command): void {
  const width = () => (isatty(1) ? process.stdout.columns : 80);
  command.configureOutput({
    writeOut: print,
    // Only help, where no verb was named.
    writeErr: printError,
    outputError: (text) =>
      printMessage(
        text
          .trimEnd()
          .replace(/^error: /, '')
          .replace(/^command-argument value ('.*') is invalid for argument '(\w+)'/s, "argument '$2' $1 is invalid")
          .replace(/\n(?=\(Did you mean )/, ' '),
      ),
    getOutHelpWidth: width,
    getErrHelpWidth: width,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  command.exitOverride((error) => process.exit(shownExitCode(error.exitCode)));
  for (const below of command.commands) configureOutput(below);
}

/** Runs the verb that the arguments of this process name. */
export async function runVerb(): Promise<void> {
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
