import { Argument, Command, Option } from 'commander';
import { RecordError, readRecord } from '../../../host/change/record.js';
import { RecordFile } from '../../../host/change/record-file.js';
import { type SetResult, setConnections } from '../../../host/change/set.js';
import { type UndoResult, undoChanges } from '../../../host/change/undo.js';
import { withoutFacts } from '../../../host/list/missing-facts.js';
import { isAnswered } from '../../../host/list/not-judged.js';
import { exitCodes } from '../../exit-codes.js';
import { behindOption, warnBehind } from '../../shared/behind-option.js';
import { concludeUnmatched } from '../../shared/conclude-unmatched.js';
import { withValues } from '../../shared/option-values.js';
import { outputWidth, print, printIncomplete, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { addSelectionOptions, hasFilter, queryOf, type SelectionOptions } from '../../shared/selection-options.js';
import { toJson } from './json.js';
import { mostRows, quietLines, renderChanges } from './text.js';
import {
  addNumberOptions,
  givenNumbers,
  type NumberOptions,
  type PolicyArgument,
  policyWords,
  readPolicyArgument,
  wantedOf,
} from './wanted.js';

interface OutputOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

interface SetOptions extends SelectionOptions, NumberOptions, OutputOptions {
  readonly off?: true;
  readonly all?: true;
  readonly record?: string;
  readonly undo?: string;
}

function exitCodeOf(result: SetResult | UndoResult): number {
  const { changed, failed } = result;
  const isNothingDone = changed.length === 0 && failed.every(({ isUnsure }) => !isUnsure);
  if (failed.length > 0) return isNothingDone ? exitCodes.nothing : exitCodes.fault;
  const isUndo = 'gone' in result;
  const missesSome = isUndo ? result.unknown > 0 : !isAnswered({ ...result, notJudged: result.undecided });
  if (missesSome) return exitCodes.unanswered;
  return changed.length + (isUndo ? result.gone : result.orphans) > 0 ? exitCodes.done : exitCodes.nothing;
}

function show(result: SetResult | UndoResult, { json, quiet, verbose = false, dryRun = false }: OutputOptions): void {
  if (json) printJson(toJson(result));
  else {
    if (quiet) for (const line of quietLines(result, dryRun)) printMessage(line);
    else print(renderChanges(result, outputWidth(), { dryRun, verbose }));
    // No owner is shown, each failure has its reason, and sockets that could not be matched are counted.
    printIncomplete(withoutFacts(result.incomplete, 'owners', 'options', 'match'));
  }
  process.exitCode = dryRun ? shownExitCode(exitCodeOf(result)) : exitCodeOf(result);
}

function undo(file: string, options: SetOptions, command: Command): void {
  const { dryRun = false, record, optionSource } = options;
  if (hasFilter(options) || record !== undefined) {
    command.error('--undo restores all that the file holds: no filters, and no --record');
  }
  const result = undoChanges(readRecord(file), file, {
    dryRun,
    ...(optionSource === undefined ? {} : { optionSource }),
  });
  show(result, options);
  const { gone, unknown } = result;
  if (gone > 0 && !options.quiet) printMessage(`${gone} of the changed connections have ended`);
  if (unknown > 0) printMessage(`${unknown} of the changed connections could not be looked for: run it as root`);
}

/** Finishes the record. Returns the problem if that fails: the changes and the record of the plan remain. */
function finishRecord(record: RecordFile, { changed, failed }: SetResult): string | undefined {
  const unsure = failed.filter(({ isUnsure }) => isUnsure).map(({ connection }) => connection.cookie);
  try {
    record.finish(changed, new Set(unsure));
    return undefined;
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return error.message;
  }
}

function set(argument: PolicyArgument | undefined, options: SetOptions, command: Command): void {
  const { all, dryRun = false, record } = options;
  const { policy, onlyNumbers } = wantedOf(argument, options, command);
  if (!hasFilter(options) && !all) command.error('say which connections, such as --port 5432, or --all');
  const query = { ...queryOf(options), ...(all ? { all } : {}) };
  warnBehind(options.behind);
  const file = dryRun || record === undefined ? undefined : new RecordFile(record);
  using _ = file;
  const onPlan = file && { onPlan: file.plan.bind(file) };
  const result = setConnections(query, policy, { dryRun, onlyNumbers, ...onPlan });
  // Before anything is shown, because output may wait for its reader.
  const problem = file && finishRecord(file, result);
  show(result, options);
  if (dryRun && record !== undefined) printMessage(`--dry-run changes nothing, so that ${record} was not written`);
  if (result.failed.length === 0 && exitCodeOf(result) === exitCodes.nothing) {
    process.exitCode = concludeUnmatched(query, options);
  }
  if (problem === undefined) return;
  printMessage(problem);
  process.exitCode = exitCodes.fault;
}

function setOrUndo(argument: PolicyArgument | undefined, options: SetOptions, command: Command): void {
  const { off, undo: file } = options;
  if (file === undefined) set(argument, options, command);
  else if (argument !== undefined || off || givenNumbers(options).length > 0) {
    command.error('--undo takes no policy, no numbers and no --off');
  } else undo(file, options, command);
}

/** `tcp-keepalive set`: a policy for live connections and listeners of other programs. */
export function setCommand(): Command {
  const command = new Command('set')
    .description('give live connections and listeners of other programs a policy (Linux)')
    .addArgument(
      withValues(
        new Argument(
          '[policy]',
          "idle:interval:count[:userTimeout], such as 30:5:3:auto; 'on' leaves the numbers, 'system' takes the kernel's",
        ).argParser(readPolicyArgument),
        policyWords,
      ),
    );
  addSelectionOptions(command).addOption(behindOption()).option('--all', 'every connection, where no filter is given');
  addNumberOptions(command)
    .option('--off', 'turn keepalive off instead')
    .option('--dry-run', 'change nothing, show what would change')
    .option('--record <file>', 'keep what was there in a new file, for --undo')
    .option('--undo <file>', 'restore what a file of --record or --json holds')
    .option('--verbose', `a row for each connection, also if more than ${mostRows} were changed`)
    .addOption(new Option('--quiet', 'print errors and warnings only').conflicts(['verbose', 'json']))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The connections that a listener accepts from then on inherit its policy. Needs
root, or CAP_SYS_PTRACE; for one's own programs nothing. A number alone leaves
the other numbers, and keepalive on or off, as they are.

Exit code: 0 all done; 1 wrong usage, no match or nothing done; 2 some could not
be changed; 3 some may have been missed. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive set 30:5:3:auto --process postgres --dry-run
  $ tcp-keepalive set 30:5:3:auto --port local:5432 --record before.json
  $ tcp-keepalive set --user-timeout auto --process 'node app.js'
  $ tcp-keepalive set system --unit shop
  $ tcp-keepalive set 300:5:3 --behind aws-nlb --verdict exposed
  $ tcp-keepalive set --undo before.json`,
    )
    .action((argument: PolicyArgument | undefined, options: SetOptions) => setOrUndo(argument, options, command));
  return command;
}
