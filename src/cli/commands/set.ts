import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { type SetResult, setConnections } from '../../host/set.js';
import { readRecord, recordOf, undoChanges } from '../../host/undo.js';
import type { ParsedPolicy } from '../../policy/index.js';
import { endsOf, renderChanges } from '../render/changes.js';
import { renderIncomplete } from '../render/incomplete.js';
import { outputWidth } from './ls.js';
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
  const changed = result.changed.map(({ connection }, index) => ({ ...endsOf(connection), ...record.changed[index] }));
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
  const result = undoChanges(readRecord(file), file);
  show(result, options.json ? { json: true } : {});
  if (result.gone > 0) process.stderr.write(`${result.gone} of the changed connections have ended\n`);
  if (result.gone > 0 && result.failed.length === 0) process.exitCode = 0;
}

/** Makes sure that the record can be written before anything is changed. */
function reserveRecord(file: string, command: Command): void {
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    command.error(`error: --record needs a new file: ${(error as Error).message}`);
  }
}

function set(policy: ParsedPolicy | undefined, options: SetOptions, command: Command): void {
  const { off, all, dryRun = false, record } = options;
  if (options.undo !== undefined) {
    if (policy !== undefined || off) command.error('error: --undo takes no policy and no --off');
    undo(options.undo, options, command);
    return;
  }
  const wanted = off ? false : policy;
  if (wanted === undefined) command.error("error: missing argument 'policy', such as 30:5:3, or --off");
  if (off && policy !== undefined) command.error('error: either a policy or --off');
  if (!hasFilter(options) && !all) command.error('error: say which connections, such as --port 5432, or --all');
  if (record !== undefined && !dryRun) reserveRecord(record, command);
  const result = setConnections(queryOf(options), wanted, dryRun);
  if (record !== undefined && !dryRun) writeFileSync(record, `${JSON.stringify(recordOf(result.changed), null, 2)}\n`);
  show(result, options.json ? { json: true, dryRun } : { dryRun });
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
root, or CAP_BPF and CAP_PERFMON; for one's own programs nothing.

Exit code: 0 all done, 2 some could not be changed, 1 wrong usage or no match.

Examples:
  $ tcp-keepalive set 30:5:3 --process postgres --dry-run
  $ tcp-keepalive set 30:5:3:auto --port local:5432 --record before.json
  $ tcp-keepalive set --undo before.json`,
    )
    .action((policy: ParsedPolicy | undefined, options: SetOptions) => set(policy, options, command));
  return command;
}
