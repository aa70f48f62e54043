import { Command } from 'commander';
import type { DefaultsChange } from '../../../host/sysctl/change.js';
import { kernelDefaultsReport } from '../../../host/sysctl/report.js';
import { defaultFile, setKernelDefaults } from '../../../host/sysctl/set-defaults.js';
import { undoKernelDefaults } from '../../../host/sysctl/undo-defaults.js';
import { exitCodes } from '../../exit-codes.js';
import { outputWidth, print, printIncomplete, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { changeWarnings, renderChange, renderDefaults } from './text.js';

interface ShowOptions {
  readonly json?: true;
}

interface SetOptions extends ShowOptions {
  readonly file?: string;
  readonly runtimeOnly?: true;
  readonly dryRun?: true;
  readonly undo?: true;
}

function show({ json }: ShowOptions, command: Command): void {
  const [unknown] = command.args;
  if (unknown !== undefined) command.error(`unknown command '${unknown}'; known is set`);
  const report = kernelDefaultsReport();
  if (json) printJson(report);
  else {
    print(`${renderDefaults(report, outputWidth())}\n`);
    printIncomplete(report.incomplete);
  }
  process.exitCode = shownExitCode(report.isEveryFileRead ? exitCodes.done : exitCodes.unanswered);
}

/** Returns the exit code of a change; of a dry run, the exit code that the change would have. */
function exitCodeOf({ applied, overriddenBy, warnings, incomplete }: DefaultsChange, dryRun: boolean): number {
  const isPossible = applied || (dryRun && incomplete.length === 0);
  if (!isPossible) return exitCodes.nothing;
  const code = overriddenBy.length + warnings.length + incomplete.length > 0 ? exitCodes.fault : exitCodes.done;
  return dryRun ? shownExitCode(code) : code;
}

function printChange(change: DefaultsChange): void {
  print(`${renderChange(change, outputWidth())}\n`);
  for (const warning of changeWarnings(change)) printMessage(warning);
}

function change(policy: string | undefined, options: SetOptions, command: Command): void {
  const { file, runtimeOnly = false, dryRun = false, undo = false, json } = options;
  if (undo && (policy !== undefined || file !== undefined || runtimeOnly)) {
    command.error('--undo takes back the last change as it was made: no policy, --file or --runtime-only');
  }
  if (!undo && policy === undefined) command.error("missing argument 'policy', such as 600:30:5");
  if (runtimeOnly && file !== undefined) command.error('--runtime-only writes no file: leave --file out');
  const done = undo
    ? undoKernelDefaults({ dryRun })
    : setKernelDefaults(policy ?? '', { runtimeOnly, dryRun, ...(file === undefined ? {} : { file }) });
  if (json) printJson(done);
  else printChange(done);
  const reasons = new Set(done.incomplete.map(({ why }) => why));
  if (!done.applied && !dryRun) printMessage(`nothing was changed: ${[...reasons].join('; ')}`);
  process.exitCode = exitCodeOf(done, dryRun);
}

function setCommand(): Command {
  return (
    new Command('set')
      .description("set the kernel's defaults in a file and in the running kernel")
      .argument('[policy]', 'idle:interval:count, such as 600:30:5')
      .option('--file <file>', `the file to write, instead of ${defaultFile}`)
      .option('--runtime-only', 'write no file: until the machine restarts')
      .option('--dry-run', 'change nothing, show what would be done')
      .option('--undo', 'undo the last change; only one can be undone')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        `
In a file that exists every other line stays as it is. Needs root.

Exit code: 0 done; 1 wrong usage or nothing done; 2 done, but it does not hold
after a restart (another file decides) or --undo cannot take it back. A dry run
has the code that the change would have. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive defaults set 600:30:5 --dry-run
  $ tcp-keepalive defaults set 600:30:5 --file /etc/sysctl.conf
  $ tcp-keepalive defaults set --undo`,
      )
      // The verb above has --json too, and commander gives it to that one.
      .action((policy: string | undefined, _, command: Command) => change(policy, command.optsWithGlobals(), command))
  );
}

/** `tcp-keepalive defaults`: the kernel's three sysctls, where they were set, and setting them. */
export function defaultsCommand(): Command {
  return new Command('defaults')
    .description("show the kernel's keepalive defaults and where they were set (Linux)")
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The other network namespaces of the machine are shown where that is permitted
(root).

Exit code: 0 shown; 1 wrong usage or nothing shown; 3 shown, but a configuration
file could not be read. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive defaults
  $ tcp-keepalive defaults set 600:30:5 --dry-run`,
    )
    .allowExcessArguments()
    .action(show)
    .addCommand(setCommand());
}
