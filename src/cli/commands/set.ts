import { unlinkSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { ListQuery } from '../../host/listing.js';
import { type SetResult, setConnections } from '../../host/set.js';
import { readRecord, recordOf, reserveRecord, undoChanges } from '../../host/undo.js';
import type { ParsedPolicy } from '../../policy/index.js';
import { outputWidth } from '../output-width.js';
import { endsOf, renderChanges } from '../render/changes.js';
import { renderIncomplete } from '../render/incomplete.js';
import { policyArgument } from './policy-argument.js';
import { addSelectionOptions, hasFilter, queryOf, type SelectionOptions } from './selection-options.js';

interface SetOptions extends SelectionOptions {
  readonly off?: true;
  readonly all?: true;
  readonly dryRun?: true;
  readonly record?: string;
  readonly undo?: string;
  readonly json?: true;
}

function writeJson(result: SetResult): void {
  const record = recordOf(result.changed);
  const changed = result.changed.map(({ connection, unanswered }, index) => ({
    ...endsOf(connection),
    ...record.changed[index],
    unanswered,
  }));
  const failed = result.failed.map(({ connection, error }) => ({ ...endsOf(connection), error }));
  const { incomplete } = result;
  process.stdout.write(`${JSON.stringify({ changed, failed, incomplete, bootId: record.bootId }, null, 2)}\n`);
}

/** 0: all done; 1: nothing matched; 2: some could not be done. */
function exitCodeOf({ changed, failed }: SetResult): number {
  if (failed.length > 0) return 2;
  return changed.length > 0 ? 0 : 1;
}

function show(result: SetResult, { json, dryRun = false }: { json?: true; dryRun?: boolean }): void {
  if (json) writeJson(result);
  else {
    process.stdout.write(renderChanges(result, outputWidth(), dryRun));
    process.stderr.write(renderIncomplete(result.incomplete));
  }
  process.exitCode = exitCodeOf(result);
}

function undo(file: string, options: SetOptions, command: Command): void {
  if (hasFilter(options) || options.record !== undefined || options.dryRun) {
    command.error('error: --undo puts back all that the file holds: no filters, --record or --dry-run');
  }
  const result = undoChanges(readRecord(file), file, options);
  show(result, options.json ? { json: true } : {});
  if (result.gone > 0) process.stderr.write(`${result.gone} of the changed connections have ended\n`);
  if (result.gone > 0 && result.failed.length === 0) process.exitCode = 0;
}

/** Writes the record into its file; where that fails, the changes stand, and `--json` shows what they replaced. */
function keepRecord(file: string, { changed }: SetResult): void {
  try {
    if (changed.length === 0) unlinkSync(file);
    else writeFileSync(file, `${JSON.stringify(recordOf(changed), null, 2)}\n`);
  } catch (error) {
    process.stderr.write(`tcp-keepalive: the record was not written: ${(error as Error).message}\n`);
    process.exitCode = 2;
  }
}

/** The policy that is wanted, `false` for --off; ends the program where the arguments do not say. */
function wantedOf(policy: ParsedPolicy | undefined, { off }: SetOptions, command: Command): ParsedPolicy | false {
  if (off && policy !== undefined) command.error('error: either a policy or --off');
  if (off) return false;
  return policy ?? command.error("error: missing argument 'policy', such as 30:5:3, or --off");
}

/** Makes the changes, with a record in `file`, which is there before anything is changed. */
function setRecorded(query: ListQuery, wanted: ParsedPolicy | false, file: string): SetResult {
  reserveRecord(file);
  try {
    return setConnections(query, wanted);
  } catch (error) {
    unlinkSync(file);
    throw error;
  }
}

function set(policy: ParsedPolicy | undefined, options: SetOptions, command: Command): void {
  const { all, dryRun = false, record, json } = options;
  const wanted = wantedOf(policy, options, command);
  if (!hasFilter(options) && !all) command.error('error: say which connections, such as --port 5432, or --all');
  const query = queryOf(options);
  const file = dryRun ? undefined : record;
  const result = file === undefined ? setConnections(query, wanted, dryRun) : setRecorded(query, wanted, file);
  show(result, json ? { json, dryRun } : { dryRun });
  if (file !== undefined) keepRecord(file, result);
}

function setOrUndo(policy: ParsedPolicy | undefined, options: SetOptions, command: Command): void {
  const { off, undo: file } = options;
  if (file === undefined) set(policy, options, command);
  else if (policy !== undefined || off) command.error('error: --undo takes no policy and no --off');
  else undo(file, options, command);
}

/** `tcp-keepalive set`: a policy for live connections and listeners of other programs. */
export function setCommand(): Command {
  const command = new Command('set')
    .description('give live connections and listeners of other programs a policy (Linux)')
    .argument('[policy]', 'idle:interval:count[:userTimeout], such as 30:5:3', policyArgument);
  addSelectionOptions(command)
    .option('--all', 'every connection, where no filter is given')
    .option('--off', 'turn keepalive off instead')
    .option('--dry-run', 'change nothing, show what would change')
    .option('--record <file>', 'keep what was there in a new file, for --undo')
    .option('--undo <file>', 'put back what a file of --record or --json holds')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The connections that a listener accepts from then on inherit its policy. Needs
root, or CAP_SYS_PTRACE; for one's own programs nothing.

Exit code: 0 all done, 2 some could not be changed, 1 wrong usage or no match.

Examples:
  $ tcp-keepalive set 30:5:3 --process postgres --dry-run
  $ tcp-keepalive set 30:5:3:auto --port local:5432 --record before.json
  $ tcp-keepalive set --undo before.json`,
    )
    .action((policy: ParsedPolicy | undefined, options: SetOptions) => setOrUndo(policy, options, command));
  return command;
}
