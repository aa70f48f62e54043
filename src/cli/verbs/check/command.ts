import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import { type CheckedPeer, type CheckResult, checkPeers } from '../../../host/check/check.js';
import { type ReapedPeer, reapPeers } from '../../../host/check/reap.js';
import { withoutFacts } from '../../../host/list/missing-facts.js';
import { isAnswered } from '../../../host/list/not-judged.js';
import { exitCodes } from '../../exit-codes.js';
import { addColourOption, type ColourOptions, outputPaint } from '../../shared/colour-option.js';
import { concludeUnmatched } from '../../shared/conclude-unmatched.js';
import { durationOption } from '../../shared/duration-option.js';
import {
  outputWidth,
  print,
  printError,
  printIncomplete,
  printJson,
  printMessage,
  printPainted,
} from '../../shared/output.js';
import { addSelectionOptions, hasFilter, queryOf, type SelectionOptions } from '../../shared/selection-options.js';
import { counted } from '../../text/counted.js';
import { toJson } from './json.js';
import { quietLines, renderPeers, renderReaped } from './text.js';

interface CheckOptions extends SelectionOptions, ColourOptions {
  readonly timeout: number;
  readonly reap?: true;
  readonly unconfirmed?: true;
  readonly all?: true;
  readonly yes?: true;
  readonly quiet?: true;
  readonly json?: true;
}

async function isConfirmed(count: number): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin });
  try {
    printError(`Close ${counted(count, 'connection')}? [y/N] `);
    // The end of the input leaves a question unanswered for ever.
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(''), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

const settled: readonly ReapedPeer['outcome'][] = ['destroyed', 'expired', 'gone', 'answered'];

function exitCodeOf(result: CheckResult, reaped: readonly ReapedPeer[]): number {
  const { peers, orphans, undecided, isWhole } = result;
  const count = (kind: CheckedPeer['answer']) => peers.filter(({ answer }) => answer === kind).length;
  if (count('silent') > reaped.filter(({ outcome }) => settled.includes(outcome)).length) return exitCodes.fault;
  if (count('not-asked') > 0 || !isAnswered({ isWhole, notJudged: undecided })) return exitCodes.unanswered;
  return peers.length + orphans > 0 ? exitCodes.done : exitCodes.nothing;
}

async function reap(silent: readonly CheckedPeer[], options: CheckOptions): Promise<ReapedPeer[]> {
  if (silent.length === 0) return [];
  const { yes, json } = options;
  const mayClose = yes ?? (process.stdin.isTTY && !json ? await isConfirmed(silent.length) : false);
  if (!mayClose) {
    printMessage('nothing was closed: it takes a yes, or --yes');
    return [];
  }
  return reapPeers(silent, { unconfirmed: options.unconfirmed === true });
}

/** Options that mean nothing without --reap. */
const reapOnly = ['unconfirmed', 'yes'] as const;

/** Ends the program if options contradict each other. */
function assertOptions(options: CheckOptions, command: Command): void {
  const { reap: mayClose, all } = options;
  const lone = reapOnly.find((name) => !mayClose && options[name]);
  if (lone !== undefined) command.error(`--${lone} is for --reap: add --reap, or leave --${lone} out`);
  if (mayClose && !all && !hasFilter(options)) {
    command.error('say which connections --reap may close, such as --port 5432, or --all');
  }
}

/** Prints the closed connections and the omissions; with --json the peers too. */
function showEnd(result: CheckResult, reaped: readonly ReapedPeer[], { json, quiet }: CheckOptions): void {
  if (json) printJson(toJson(result, reaped));
  else {
    if (reaped.length > 0 && !quiet) print(`\n${renderReaped(reaped, outputWidth())}`);
    if (quiet) for (const line of quietLines(result, reaped)) printMessage(line);
    // Why a peer was not asked, or not matched, stands below the table.
    printIncomplete(withoutFacts(result.incomplete, 'options', 'match'));
  }
  const unconfirmed = reaped.filter(({ outcome }) => outcome === 'unconfirmed').length;
  if (unconfirmed > 0) {
    printMessage(
      `${counted(unconfirmed, 'connection')} left open, not confirmed: --unconfirmed closes such connections`,
    );
  }
}

async function check(options: CheckOptions, command: Command): Promise<void> {
  assertOptions(options, command);
  const { reap: mayClose, json, quiet } = options;
  const query = queryOf(options);
  const result = await checkPeers(query, { timeout: options.timeout });
  if (!json && !quiet) printPainted(renderPeers(result, outputWidth(), outputPaint(options)));
  const silent = result.peers.filter(({ answer }) => answer === 'silent');
  const reaped = mayClose ? await reap(silent, options) : [];
  showEnd(result, reaped, options);
  process.exitCode = exitCodeOf(result, reaped);
  if (process.exitCode === exitCodes.nothing) process.exitCode = concludeUnmatched(query, options);
}

/** `tcp-keepalive check`: which peers are there, now. */
export function checkCommand(): Command {
  const command = new Command('check').description('ask the peers of connections for a sign of life, now (Linux)');
  addSelectionOptions(command)
    .addOption(durationOption('--timeout <duration>', 'how long to wait for an answer').default(2000, '2s'))
    .option('--reap', 'close the connections whose peers are silent, after a prompt')
    .option('--unconfirmed', 'with --reap, also where only a segment from beside asked')
    .option('--all', 'with --reap, any connection, where no filter is given')
    .option('--yes', 'with --reap, without the prompt')
    .addOption(new Option('--quiet', 'print errors and warnings only').conflicts('json'))
    .option('--json', 'print JSON');
  addColourOption(command)
    .addHelpText(
      'after',
      `
A peer that was heard within the last second is not asked. As root a peer is
asked by a segment from beside its connection (CAP_NET_RAW, CAP_BPF,
CAP_PERFMON), which touches nothing of it. Else its own kernel sends a probe,
which takes the same user or CAP_SYS_PTRACE, and only if the probe can do no
harm; a peer that could not be asked is shown as \`not asked\`, with the reason.
--reap has the connection's own kernel confirm that a peer is silent.

Exit code: 0 nobody is silent, or the silent were closed; 1 wrong usage or no
match; 2 somebody is silent; 3 nobody is silent, some were not asked or may have
been missed. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive check --process postgres
  $ tcp-keepalive check --port local:5432 --reap`,
    )
    .action((options: CheckOptions) => check(options, command));
  return command;
}
