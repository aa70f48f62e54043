import { Command, Option } from 'commander';
import { dialectNames } from '../../../policy/dialects/dialects.js';
import type { PathLoss } from '../../../policy/model/false-alarm.js';
import type { Middlebox } from '../../../policy/plan/middlebox.js';
import { middleboxes } from '../../../policy/plan/middleboxes.js';
import { middleboxesArgument } from '../../shared/behind-option.js';
import { refuseUnknownOption } from '../../shared/dialect-text.js';
import { durationOption } from '../../shared/duration-option.js';
import { shareArgument, wholeArgument } from '../../shared/number-arguments.js';
import { withValues } from '../../shared/option-values.js';
import { outputWidth, print, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { replaceFile } from '../../shared/replace-file.js';
import { type Explanation, explainOff, explainPolicy } from './explanation.js';
import { type GivenPolicy, givenPolicies } from './given-policies.js';
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

function explanationOf({ policy, warnings }: GivenPolicy, options: ExplainOptions): Explanation {
  const { behind: middleboxes = [], connections, heartbeat: heartbeatMs, retries2 } = options;
  const surroundings = { connections, middleboxes, path: pathOf(options), heartbeatMs, retries2 };
  const computed = policy === 'off' ? explainOff(surroundings) : explainPolicy(policy, surroundings);
  return { ...computed, warnings: [...warnings, ...computed.warnings] };
}

/** Prints explanations as JSON: an object, or an array of the policies of a text that has several. */
function printAsJson(explanations: readonly Explanation[], given: readonly GivenPolicy[]): void {
  const [only] = explanations;
  if (only !== undefined && explanations.length === 1) printJson(toJson(only));
  else printJson(explanations.map((each, at) => ({ ...given[at]?.place, ...toJson(each) })));
}

function printAsText(explanations: readonly Explanation[], given: readonly GivenPolicy[]): void {
  for (const [at, explanation] of explanations.entries()) {
    const { notes = [], place } = given[at] ?? {};
    const isOne = place === undefined || explanations.length === 1;
    for (const note of notes) printMessage(isOne ? note : `line ${place.line}: ${note}`);
    const title = isOne ? '' : `Policy ${at + 1} of ${explanations.length}, line ${place.line}, ${place.word}:\n\n`;
    print(`${at === 0 ? '' : '\n\n'}${title}${renderExplanation(explanation, outputWidth())}`);
  }
}

function writePicture(file: string, [only, ...others]: readonly Explanation[], command: Command): void {
  if (only === undefined || others.length > 0) command.error('--svg takes one policy; pass the lines of one of them');
  if (only.numbers === null) command.error('--svg draws probes, and keepalive is off: leave --svg out');
  replaceFile(file, timelineSvg(only));
}

function explain(text: string, options: ExplainOptions, command: Command): void {
  const { from, svg, json } = options;
  const given = givenPolicies(text, from, command);
  const explanations = given.map((each) => explanationOf(each, options));
  if (svg !== undefined) writePicture(svg, explanations, command);
  if (json) printAsJson(explanations, given);
  else printAsText(explanations, given);
  if (svg !== undefined && !json) printMessage(`the picture is in ${svg}`);
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
  else if (policy !== undefined) explain(policy, options, command);
  else command.error("missing argument 'policy', such as 30:5:3:auto, or --middleboxes");
  process.exitCode = shownExitCode();
}

/** `tcp-keepalive explain`: what a policy does. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('tell what a policy does: when a lost peer is noticed, what it costs, what to beware of')
    .argument('[policy]', 'idle:interval:count[:userTimeout], such as 30:5:3:auto, or off; with --from the text')
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
Times are ranges, because the kernel's timers are late by up to 12.5 %. A text
of --from that has several policies is explained policy by policy.

Exit code: 0 shown; 1 wrong usage, or nothing was shown. All verbs:
docs/exit-codes.md

Examples:
  $ tcp-keepalive explain 30:5:3:auto --behind aws-nlb
  $ tcp-keepalive explain 60:10:6 --loss 5% --connections 200000
  $ tcp-keepalive explain --from redis 'tcp-keepalive 60'
  $ tcp-keepalive explain --from haproxy - < haproxy.cfg`,
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(explainOrList);
}
