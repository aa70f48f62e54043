import { Command, Option } from 'commander';
import { dialectNames } from '../../../policy/dialects/dialects.js';
import { exportPolicy } from '../../../policy/dialects/export-policy.js';
import { importPolicy } from '../../../policy/dialects/import-policy.js';
import { listDialects } from '../../../policy/dialects/list-dialects.js';
import { readDialectText, refuseUnknownOption } from '../../shared/dialect-text.js';
import { withValues } from '../../shared/option-values.js';
import { outputWidth, print, printJson, printMessage, printPainted, shownExitCode } from '../../shared/output.js';
import { renderDialects } from './text.js';

interface ExportOptions {
  readonly to?: string;
  readonly from?: string;
  readonly list?: true;
  readonly json?: true;
}

function printNotes(notes: readonly string[]): void {
  for (const note of notes) printMessage(note);
}

function exportTo(dialect: string, policy: string, json = false): void {
  const { text, place, notes, ...facts } = exportPolicy(policy, dialect);
  if (json) {
    printJson({ ...facts, text, place, notes });
    return;
  }
  // `print` would escape the tabs of Go. The user's input is in the text only as numbers, which need no escapes.
  printPainted(text);
  printNotes([`this goes into ${place}`, ...notes]);
}

function importFrom(dialect: string, text: string, json = false): void {
  const imported = importPolicy(dialect, text);
  if (json) printJson(imported);
  else {
    print(`${imported.policy}\n`);
    printNotes(imported.notes);
  }
}

function list(json = false): void {
  if (json) printJson(listDialects());
  else print(`${renderDialects(listDialects(), outputWidth())}\n`);
}

function checkArguments({ to, from, list }: ExportOptions, command: Command): void {
  const { args } = command;
  refuseUnknownOption(command, from);
  if ([to, from, list].filter((given) => given !== undefined).length !== 1) {
    command.error(
      "one of '--to <system>', '--from <system>' and '--list' is needed; --list has the names of the systems",
    );
  }
  const expected = list ? 0 : 1;
  if (args.length > expected)
    command.error(`too many arguments: ${expected} expected, got ${args.length}; quote a text of several words`);
  if (args.length < expected) {
    const missing =
      to === undefined ? `the text of ${from}, or - for standard input` : "a policy, such as '30:5:3:auto'";
    command.error(`missing argument: ${missing}`);
  }
}

function run(argument: string | undefined, options: ExportOptions, command: Command): void {
  checkArguments(options, command);
  const { to, from, json } = options;
  if (to !== undefined) exportTo(to, argument as string, json);
  else if (from !== undefined) importFrom(from, readDialectText(argument as string, command), json);
  else list(json);
  process.exitCode = shownExitCode();
}

/** `tcp-keepalive export`: a policy in the words of another system, and back. */
export function exportCommand(): Command {
  return new Command('export')
    .description('print a policy as the configuration of another system, or read it back')
    .argument('[policy]', 'the policy, such as 30:5:3:auto, or off; with --from the text, or - for standard input')
    .addOption(
      withValues(new Option('--to <system>', 'print the configuration of a system, such as nginx'), dialectNames),
    )
    .addOption(
      withValues(new Option('--from <system>', 'print the policy that the text of a system states'), dialectNames),
    )
    .option('--list', 'list the systems, their words and what they cannot say')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Standard output has the configuration or the policy and nothing else. Standard
error says where the configuration goes, what it cannot say, and what then
applies.

Exit code: 0 printed, also if a number cannot be said; 1 wrong usage, an unknown
system, or a text that is cut or wrong. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive export 30:5:3:auto --to postgresql
  $ tcp-keepalive export --from nginx 'listen 80 so_keepalive=30:5:3;'
  $ tcp-keepalive export --from sysctl - < /etc/sysctl.conf`,
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(run);
}
