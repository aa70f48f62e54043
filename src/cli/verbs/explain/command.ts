import { writeFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { CompletePolicy } from '../../../policy/policy.js';
import { outputWidth, print, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { policyArgument } from '../../shared/policy-argument.js';
import { durationOption } from '../../shared/selection-options.js';
import { explainPolicy } from './explanation.js';
import { toJson } from './json.js';
import { timelineSvg } from './svg.js';
import { renderExplanation } from './text.js';

interface ExplainOptions {
  readonly loss?: number;
  readonly burst?: number;
  readonly connections: number;
  readonly heartbeat?: number;
  readonly retries2: number;
  readonly svg?: string;
  readonly json?: true;
}

/** Reads a share: `5%`, or `0.05`. */
function share(text: string): number {
  const [, number = '', percent] = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text) ?? [];
  const value = number === '' ? Number.NaN : Number(number) / (percent === '%' ? 100 : 1);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError("A share from 0 to less than 1 is needed, such as '5%' or '0.05'.");
}

function whole(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is needed.`);
  };
}

function explain(policy: CompletePolicy, options: ExplainOptions, command: Command): void {
  const { loss, burst, connections, heartbeat, retries2, svg, json } = options;
  if (burst !== undefined && loss === undefined)
    command.error('--burst is for --loss: add --loss, or leave --burst out');
  const path = loss === undefined ? undefined : burst === undefined ? { loss } : { loss, burstMs: burst };
  const explanation = explainPolicy(policy, { connections, path, heartbeatMs: heartbeat, retries2 });
  if (svg !== undefined) writeFileSync(svg, timelineSvg(explanation));
  if (json) printJson(toJson(explanation));
  else print(renderExplanation(explanation, outputWidth()));
  if (svg !== undefined && !json) printMessage(`the picture is in ${svg}`);
  process.exitCode = shownExitCode();
}

/** `tcp-keepalive explain`: what a policy does. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('tell what a policy does: when a lost peer is noticed, what it costs, what to beware of')
    .addArgument(
      new Argument('<policy>', 'idle:interval:count[:userTimeout], such as 30:5:3:auto').argParser(policyArgument),
    )
    .addOption(new Option('--connections <number>', 'so many connections').argParser(whole(1, 1e9)).default(1))
    .addOption(new Option('--loss <share>', "the path loses this share of the packets: '5%'").argParser(share))
    .addOption(durationOption('--burst <duration>', 'with --loss: in outages of this mean length'))
    .addOption(durationOption('--heartbeat <duration>', 'the program writes this often'))
    .addOption(
      new Option('--retries2 <number>', 'net.ipv4.tcp_retries2 of the machine').argParser(whole(0, 255)).default(15),
    )
    .option('--svg <file>', 'write the timeline as a picture')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Times are ranges, because the kernel's timers are late by up to 12.5 %.

Exit code: 0 shown; 1 wrong usage, or nothing was shown. All verbs:
docs/exit-codes.md

Examples:
  $ tcp-keepalive explain 30:5:3:auto
  $ tcp-keepalive explain 60:10:6 --loss 5% --connections 200000`,
    )
    .action(explain);
}
