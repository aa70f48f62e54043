import { isatty } from 'node:tty';
import { Command, InvalidArgumentError, Option } from 'commander';
import { joinWithAnd } from '../../../policy/join-with-and.js';
import { middleboxes } from '../../../policy/plan/middleboxes.js';
import { planFor } from '../../../policy/plan/plan-policy.js';
import { readRequirements } from '../../../policy/plan/requirements.js';
import { exitCodes } from '../../exit-codes.js';
import { middleboxesArgument } from '../../shared/behind-option.js';
import { durationOption } from '../../shared/duration-option.js';
import { positiveArgument, shareArgument, wholeArgument } from '../../shared/number-arguments.js';
import { optionFlag } from '../../shared/option-flag.js';
import { withValues } from '../../shared/option-values.js';
import { outputWidth, print, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { planJson } from './json.js';
import { type Needs, requirementsOf } from './needs.js';
import { askQuestions } from './questions.js';
import { renderConflict, renderPlan } from './text.js';

interface PlanOptions extends Needs {
  readonly json?: true;
}

/** Prints the plan, and returns the exit code. */
function showPlan(needs: Needs, isJson = false): number {
  const required = readRequirements(requirementsOf(needs));
  const plan = planFor(required, optionFlag);
  if (isJson) printJson(planJson(plan));
  else {
    const width = outputWidth();
    print(plan.best === null ? renderConflict(plan, required, width) : renderPlan(plan, required, width));
  }
  return shownExitCode(plan.best === null ? exitCodes.unanswered : undefined);
}

async function askAndShow(): Promise<number> {
  const answers = await askQuestions();
  if (answers === undefined) {
    print('\n');
    printMessage('not all questions were answered: nothing is planned');
    return exitCodes.nothing;
  }
  print('\n');
  const code = showPlan(answers.needs);
  // One line, to be copied.
  print(`\nThe same without questions:\n  tcp-keepalive plan ${answers.options.join(' ')}\n`);
  return code;
}

async function plan({ json, ...needs }: PlanOptions, command: Command): Promise<void> {
  if (needs.burst !== undefined && needs.loss === undefined) {
    command.error('--burst is for --loss: add --loss, or leave --burst out');
  }
  if (Object.keys(needs).length > 0) process.exitCode = showPlan(needs, json);
  else if (!json && isatty(0) && isatty(1)) process.exitCode = await askAndShow();
  else {
    const flags = command.options.flatMap(({ long }) => (!long || long === '--json' ? [] : [long]));
    command.error(
      `nothing is asked for: give one or more of ${joinWithAnd(flags)}; on a terminal, without --json, plan asks`,
    );
  }
}

/** Makes an option refuse a second value, which would replace the first. */
function once(option: Option): Option {
  const { parseArg: read } = option;
  return option.argParser((text: string, previous: unknown) => {
    if (previous !== undefined) throw new InvalidArgumentError('The option was given before: state each need once.');
    return read?.(text, previous);
  });
}

/** `tcp-keepalive plan`: which policy meets needs. */
export function planCommand(): Command {
  return new Command('plan')
    .description('find the policy that meets needs with the least traffic')
    .addOption(once(durationOption('--detect-within <duration>', 'notice a lost peer within this time, quiet or not')))
    .addOption(
      withValues(
        new Option('--behind <middlebox>', "stay connected behind it: 'azure-lb', '350s'").argParser(
          middleboxesArgument,
        ),
        middleboxes.map(({ name }) => name),
        { isList: true },
      ),
    )
    .addOption(once(durationOption('--tolerate <duration>', 'keep a healthy connection in an outage of this length')))
    .addOption(
      once(new Option('--loss <share>', "the path loses this share of the packets: '5%'").argParser(shareArgument)),
    )
    .addOption(once(durationOption('--burst <duration>', 'with --loss: in outages of this mean length')))
    .addOption(
      once(
        new Option('--max-false <number>', 'with --loss: end a healthy connection at most so often a day').argParser(
          positiveArgument('1e-6'),
        ),
      ),
    )
    .addOption(once(new Option('--connections <number>', 'so many connections').argParser(wholeArgument(1, 1e9))))
    .addOption(
      once(
        new Option('--max-packets-per-second <number>', 'of all connections, while they are quiet').argParser(
          positiveArgument('1000'),
        ),
      ),
    )
    .option('--battery', 'wake up the radio of a device as seldom as possible')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Any of the needs can be left out. Without any, on a terminal, plan asks five
questions. If no policy meets the needs, the answer says which contradict each
other, and what to change.

A policy is idle:interval:count:user timeout, in seconds. A duration without a
unit is in seconds. The middleboxes: tcp-keepalive explain --middleboxes

Exit code: 0 planned; 1 wrong usage, or nothing was shown; 3 no policy meets the
needs. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive plan
  $ tcp-keepalive plan --detect-within 45s --behind azure-lb --tolerate 10s
  $ tcp-keepalive plan --loss 5% --max-false 1e-3 --connections 200000`,
    )
    .action(plan);
}
