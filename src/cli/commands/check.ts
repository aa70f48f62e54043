import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { type CheckedPeer, type CheckResult, checkPeers } from '../../host/check.js';
import { type ReapedPeer, reapPeers } from '../../host/reap.js';
import { print, printError, printJson } from '../output.js';
import { outputWidth } from '../output-width.js';
import { endsOf } from '../render/changes.js';
import { renderIncomplete } from '../render/incomplete.js';
import { renderPeers, renderReaped } from '../render/peers.js';
import { addSelectionOptions, durationOption, hasFilter, queryOf, type SelectionOptions } from './selection-options.js';

interface CheckOptions extends SelectionOptions {
  readonly timeout: number;
  readonly reap?: true;
  readonly all?: true;
  readonly yes?: true;
  readonly json?: true;
}

async function isConfirmed(count: number): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin });
  try {
    printError(`Close ${count} ${count === 1 ? 'connection' : 'connections'}? [y/N] `);
    // The end of the input leaves a question unanswered for ever.
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(''), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

function writeJson({ peers, incomplete }: CheckResult, reaped: readonly ReapedPeer[]): void {
  const outcomeOf = new Map(reaped.map(({ row, outcome, error }) => [row, { outcome, error }]));
  const items = peers.map(({ row, answer, elapsedMs }) => {
    const outcome = outcomeOf.get(row);
    return {
      ...endsOf(row.connection),
      answer,
      elapsedMs,
      ...(outcome === undefined ? {} : { reaped: outcome.outcome, error: outcome.error }),
    };
  });
  printJson(`${JSON.stringify({ peers: items, incomplete }, null, 2)}\n`);
}

function exitCodeOf({ peers }: CheckResult, reaped: readonly ReapedPeer[]): number {
  if (peers.length === 0) return 1;
  const dead = peers.filter(({ answer }) => answer === 'silent').length;
  const settled = reaped.filter(({ outcome }) => outcome !== 'failed').length;
  return dead > settled ? 2 : 0;
}

async function reap(silent: readonly CheckedPeer[], options: CheckOptions): Promise<ReapedPeer[]> {
  if (silent.length === 0) return [];
  const { yes, json } = options;
  const mayClose = yes ?? (process.stdin.isTTY && !json ? await isConfirmed(silent.length) : false);
  if (!mayClose) {
    printError('nothing was closed: it takes a yes, or --yes\n');
    return [];
  }
  return reapPeers(silent, options);
}

async function check(options: CheckOptions, command: Command): Promise<void> {
  if (options.reap && !options.all && !hasFilter(options)) {
    command.error('error: say which connections --reap may close, such as --port 5432, or --all');
  }
  const result = await checkPeers(queryOf(options), options);
  if (!options.json) print(renderPeers(result.peers, outputWidth()));
  const silent = result.peers.filter(({ answer }) => answer === 'silent');
  const reaped = options.reap ? await reap(silent, options) : [];
  if (options.json) writeJson(result, reaped);
  else {
    if (reaped.length > 0) print(`\n${renderReaped(reaped, outputWidth())}`);
    printError(renderIncomplete(result.incomplete));
  }
  process.exitCode = exitCodeOf(result, reaped);
}

/** `tcp-keepalive check`: which peers are there, now. */
export function checkCommand(): Command {
  const command = new Command('check').description('ask the peers of connections for a sign of life, now (Linux)');
  addSelectionOptions(command)
    .addOption(durationOption('--timeout <duration>', 'how long to wait for an answer').default(2000, '2s'))
    .option('--reap', 'close the connections whose peers are silent, after asking')
    .option('--all', 'with --reap, any connection, where no filter is given')
    .option('--yes', 'close without asking')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A peer that was heard within the last second is not asked. A silent one has been
sent up to three keepalive probes. Needs what \`set\` needs; closing at once needs
CAP_NET_ADMIN, otherwise the kernel's keepalive closes within 2.5 s.

Exit code: 0 nobody is silent, or the silent were closed; 2 somebody is silent;
1 wrong usage or no match.

Examples:
  $ tcp-keepalive check --process postgres
  $ tcp-keepalive check --port local:5432 --reap`,
    )
    .action((options: CheckOptions) => check(options, command));
  return command;
}
