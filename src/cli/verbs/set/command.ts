import { Command, InvalidArgumentError } from 'commander';
import { RecordError, readRecord } from '../../../host/change/record.js';
import { RecordFile } from '../../../host/change/record-file.js';
import { type SetResult, setConnections } from '../../../host/change/set.js';
import { type UndoResult, undoChanges } from '../../../host/change/undo.js';
import { withoutFacts } from '../../../host/list/missing-facts.js';
import { isAnswered } from '../../../host/list/not-judged.js';
import type { CompletePolicy, KeepAlivePolicy } from '../../../policy/policy.js';
import { exitCodes } from '../../exit-codes.js';
import { outputWidth, print, printIncomplete, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { policyArgument, rtoMaxArgument } from '../../shared/policy-argument.js';
import { addSelectionOptions, hasFilter, queryOf, type SelectionOptions } from '../../shared/selection-options.js';
import { toJson } from './json.js';
import { renderChanges } from './text.js';

interface SetOptions extends SelectionOptions {
  readonly off?: true;
  readonly rtoMax?: number | 'system';
  readonly all?: true;
  readonly dryRun?: true;
  readonly record?: string;
  readonly undo?: string;
  readonly json?: true;
}

function exitCodeOf(result: SetResult | UndoResult): number {
  const { changed, failed } = result;
  if (failed.length > 0) return exitCodes.fault;
  const isUndo = 'gone' in result;
  const missesSome = isUndo ? result.unknown > 0 : !isAnswered({ ...result, notJudged: result.undecided });
  if (missesSome) return exitCodes.unanswered;
  return changed.length + (isUndo ? result.gone : result.orphans) > 0 ? exitCodes.done : exitCodes.nothing;
}

function show(result: SetResult | UndoResult, { json, dryRun = false }: { json?: true; dryRun?: boolean }): void {
  if (json) printJson(toJson(result));
  else {
    print(renderChanges(result, outputWidth(), dryRun));
    // No owner is shown, and each failure has its reason.
    printIncomplete(withoutFacts(result.incomplete, 'owners', 'options'));
  }
  process.exitCode = dryRun ? shownExitCode(exitCodeOf(result)) : exitCodeOf(result);
}

function undo(file: string, options: SetOptions, command: Command): void {
  const { json, dryRun = false, record, optionSource } = options;
  if (hasFilter(options) || record !== undefined) {
    command.error('--undo restores all that the file holds: no filters, and no --record');
  }
  const result = undoChanges(readRecord(file), file, {
    dryRun,
    ...(optionSource === undefined ? {} : { optionSource }),
  });
  show(result, json ? { json, dryRun } : { dryRun });
  const { gone, unknown } = result;
  if (gone > 0) printMessage(`${gone} of the changed connections have ended`);
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

/** Returns the wanted policy, `false` for --off. Ends the program if the arguments name none. */
function wantedOf(
  policy: CompletePolicy | undefined,
  { off, rtoMax }: SetOptions,
  command: Command,
): KeepAlivePolicy | false {
  if (off && policy !== undefined) command.error('either a policy or --off');
  if (off && rtoMax !== undefined) command.error('either --rto-max or --off');
  if (off) return false;
  if (policy === undefined) return command.error("missing argument 'policy', such as 30:5:3, or --off");
  return rtoMax === undefined ? policy : { ...policy, rtoMax };
}

function set(policy: CompletePolicy | undefined, options: SetOptions, command: Command): void {
  const { all, dryRun = false, record, json } = options;
  const wanted = wantedOf(policy, options, command);
  if (!hasFilter(options) && !all) command.error('say which connections, such as --port 5432, or --all');
  const query = { ...queryOf(options), ...(all ? { all } : {}) };
  if (dryRun || record === undefined) {
    show(setConnections(query, wanted, { dryRun }), json ? { json, dryRun } : { dryRun });
    if (record !== undefined) printMessage(`--dry-run changes nothing, so that ${record} was not written`);
    return;
  }
  using file = new RecordFile(record);
  const result = setConnections(query, wanted, { onPlan: (planned) => file.plan(planned) });
  // Before anything is shown, because output may wait for its reader.
  const problem = finishRecord(file, result);
  show(result, json ? { json } : {});
  if (problem === undefined) return;
  printMessage(problem);
  process.exitCode = exitCodes.fault;
}

function setOrUndo(policy: CompletePolicy | undefined, options: SetOptions, command: Command): void {
  const { off, undo: file } = options;
  if (file === undefined) set(policy, options, command);
  else if (policy !== undefined || off || options.rtoMax !== undefined) {
    command.error('--undo takes no policy, no --rto-max and no --off');
  } else undo(file, options, command);
}

/** Reads the policy. Names the option that turns keepalive off if the text is `off`. */
function policyOrHint(text: string): CompletePolicy {
  if (text === 'off') throw new InvalidArgumentError('To turn keepalive off, give --off instead of a policy.');
  return policyArgument(text);
}

/** `tcp-keepalive set`: a policy for live connections and listeners of other programs. */
export function setCommand(): Command {
  const command = new Command('set')
    .description('give live connections and listeners of other programs a policy (Linux)')
    .argument('[policy]', 'idle:interval:count[:userTimeout], such as 30:5:3', policyOrHint);
  addSelectionOptions(command)
    .option('--all', 'every connection, where no filter is given')
    .option('--off', 'turn keepalive off instead')
    .option(
      '--rto-max <duration>',
      'longest time between two retransmissions, such as 5s, or system (Linux 6.15)',
      rtoMaxArgument,
    )
    .option('--dry-run', 'change nothing, show what would change')
    .option('--record <file>', 'keep what was there in a new file, for --undo')
    .option('--undo <file>', 'restore what a file of --record or --json holds')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The connections that a listener accepts from then on inherit its policy. Needs
root, or CAP_SYS_PTRACE; for one's own programs nothing.

Exit code: 0 all done; 2 some could not be changed; 3 some may have been missed;
1 wrong usage or no match.

Examples:
  $ tcp-keepalive set 30:5:3 --process postgres --dry-run
  $ tcp-keepalive set 30:5:3:auto --port local:5432 --record before.json
  $ tcp-keepalive set 30:5:3 --rto-max 5s --port local:5432
  $ tcp-keepalive set --undo before.json`,
    )
    .action((policy: CompletePolicy | undefined, options: SetOptions) => setOrUndo(policy, options, command));
  return command;
}
