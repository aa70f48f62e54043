import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { dialectNames } from '../../../policy/dialects/dialects.js';
import { importPolicy } from '../../../policy/dialects/import-policy.js';
import type { PathLoss } from '../../../policy/model/false-alarm.js';
import { parsePolicy } from '../../../policy/parse.js';
import type { Middlebox } from '../../../policy/plan/middlebox.js';
import { middleboxes } from '../../../policy/plan/middleboxes.js';
import { offByDefaultWarning } from '../../../policy/plan/off-by-default-warning.js';
import type { PolicyWarning } from '../../../policy/plan/warnings.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { middleboxesArgument } from '../../shared/behind-option.js';
import { readDialectText, refuseUnknownOption } from '../../shared/dialect-text.js';
import { durationOption } from '../../shared/duration-option.js';
import { shareArgument, wholeArgument } from '../../shared/number-arguments.js';
import { withValues } from '../../shared/option-values.js';
import { outputWidth, print, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { policyArgument } from '../../shared/policy-argument.js';
import { explainPolicy } from './explanation.js';
import { toJson } from './json.js';
import { timelineSvg } from './svg.js';
import { renderExplanation, renderMiddleboxes } from './text.js';

interface ExplainOptions {
  readonly behind?: readonly Middlebox[];
  readonly from?: string;
  readonly middleboxes?: true;
  readonly loss?: number;
  readonly burst?: number;
  readonly connections: number;
  readonly heartbeat?: number;
  readonly retries2: number;
  readonly svg?: string;
  readonly json?: true;
}

function listMiddleboxes({ json }: ExplainOptions): void {
  if (json) printJson({ middleboxes });
  else print(renderMiddleboxes(middleboxes, outputWidth()));
}

function pathOf({ loss, burst }: ExplainOptions): PathLoss | undefined {
  if (loss === undefined) return undefined;
  return burst === undefined ? { loss } : { loss, burstMs: burst };
}

function explain({ policy, warnings }: Given, options: ExplainOptions): void {
  const { behind: boxes = [], connections, heartbeat, retries2, svg, json } = options;
  const path = pathOf(options);
  const surroundings = { connections, middleboxes: boxes, path, heartbeatMs: heartbeat, retries2 };
  const computed = explainPolicy(policy, surroundings);
  const explanation = { ...computed, warnings: [...warnings, ...computed.warnings] };
  if (svg !== undefined) writeFileSync(svg, timelineSvg(explanation));
  if (json) printJson(toJson(explanation));
  else print(renderExplanation(explanation, outputWidth()));
  if (svg !== undefined && !json) printMessage(`the picture is in ${svg}`);
}

interface Given {
  readonly policy: CompletePolicy;
  readonly warnings: readonly PolicyWarning[];
}

/** Reads the policy, or the text of another system that states one. */
function given(text: string, { from, json }: ExplainOptions, command: Command): Given {
  if (from === undefined) {
    try {
      return { policy: policyArgument(text), warnings: [] };
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      return command.error(`argument 'policy' '${text}' is invalid. ${error.message}`);
    }
  }
  const imported = importPolicy(from, readDialectText(text, command));
  const { policy, notes, offByDefault } = imported;
  if (policy === 'off') command.error(`the text turns keepalive off${notes.map((note) => `: ${note}`).join('')}`);
  // A warning says the same.
  if (!json) for (const note of notes) if (note !== offByDefault) printMessage(note);
  const warning = offByDefaultWarning(imported);
  return { policy: parsePolicy(policy), warnings: warning === undefined ? [] : [warning] };
}

function explainOrList(policy: string | undefined, options: ExplainOptions, command: Command): void {
  const { loss, burst, from, middleboxes: isList } = options;
  refuseUnknownOption(command, from);
  if (command.args.length > 1)
    command.error(`too many arguments: 1 expected, got ${command.args.length}; quote a text of several words`);
  if (isList && policy !== undefined) command.error('--middleboxes takes no policy');
  if (burst !== undefined && loss === undefined)
    command.error('--burst is for --loss: add --loss, or leave --burst out');
  if (isList) listMiddleboxes(options);
  else if (policy !== undefined) explain(given(policy, options, command), options);
  else command.error("missing argument 'policy', such as 30:5:3:auto, or --middleboxes");
  process.exitCode = shownExitCode();
}

/** `tcp-keepalive explain`: what a policy does. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('tell what a policy does: when a lost peer is noticed, what it costs, what to beware of')
    .argument('[policy]', 'idle:interval:count[:userTimeout], such as 30:5:3:auto; with --from the text')
    .addOption(
      withValues(new Option('--from <system>', 'read the policy from the configuration of a system'), dialectNames),
    )
    .addOption(new Option('--connections <number>', 'so many connections').argParser(wholeArgument(1, 1e9)).default(1))
    .addOption(new Option('--loss <share>', "the path loses this share of the packets: '5%'").argParser(shareArgument))
    .addOption(durationOption('--burst <duration>', 'with --loss: in outages of this mean length'))
    .addOption(durationOption('--heartbeat <duration>', 'the program writes this often'))
    .addOption(
      new Option('--retries2 <number>', 'net.ipv4.tcp_retries2 of the machine')
        .argParser(wholeArgument(0, 255))
        .default(15),
    )
    .addOption(
      withValues(
        new Option('--behind <middlebox>', "whether the probes are in time for it: 'aws-nlb', '350s'").argParser(
          middleboxesArgument,
        ),
        middleboxes.map(({ name }) => name),
        { isList: true },
      ),
    )
    .option('--middleboxes', 'list the middleboxes that have a name, without a policy')
    .option('--svg <file>', 'write the timeline as a picture')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Times are ranges, because the kernel's timers are late by up to 12.5 %.

Exit code: 0 shown; 1 wrong usage, or nothing was shown. All verbs:
docs/exit-codes.md

Examples:
  $ tcp-keepalive explain 30:5:3:auto --behind aws-nlb
  $ tcp-keepalive explain 60:10:6 --loss 5% --connections 200000
  $ tcp-keepalive explain --from redis 'tcp-keepalive 60'`,
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(explainOrList);
}
