import { Command, Option } from 'commander';
import { parsePolicy } from '../../../policy/parse.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { exitCodes } from '../../exit-codes.js';
import { drawingOutput, hasReader, outputWidth, print, printJson, shownExitCode } from '../../shared/output.js';
import { policyArgument } from '../../shared/policy-argument.js';
import { toleranceMs } from './play.js';
import { runDemo, type Spectator } from './run.js';
import type { DemoReport } from './scenario.js';
import { demoDurationMs } from './scenarios.js';
import { renderEvent, renderIntroduction, renderLive, renderReport } from './text.js';

interface DemoOptions {
  readonly policy: CompletePolicy;
  readonly json?: true;
}

const silent: Spectator = {};

/** Shows the demo on a terminal, redrawn in place, or as a log where the output is something else. */
async function spectator(policy: CompletePolicy): Promise<Spectator & { done(): void }> {
  print(`${renderIntroduction({ policy }, demoDurationMs(policy, toleranceMs), outputWidth())}\n`);
  const output = drawingOutput();
  if (!output.isTTY) {
    return {
      event: (play, event) => print(`${renderEvent(play, event)}\n`),
      done: () => print('\n'),
    };
  }
  const { createLogUpdate } = await import('log-update');
  const live = createLogUpdate(output);
  return {
    tick: (plays) => live(renderLive(plays, { policy }, outputWidth())),
    done: () => {
      live.done();
      print('\n');
    },
  };
}

/** Draws like the function that it wraps, and ends the demo once the reader of the output is gone. */
function whileRead(view: Spectator, interrupt: () => void): Spectator {
  const tick: Spectator['tick'] = (plays) => {
    view.tick?.(plays);
    if (!hasReader()) interrupt();
  };
  return { ...view, tick };
}

function exitCodeOf({ ok }: DemoReport): number {
  return shownExitCode(ok ? exitCodes.done : exitCodes.fault);
}

async function demo({ policy, json }: DemoOptions): Promise<void> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    if (json) {
      const report = await runDemo(policy, silent, interruption.signal);
      printJson(report);
      process.exitCode = exitCodeOf(report);
      return;
    }
    const view = await spectator(policy);
    const report = await runDemo(policy, whileRead(view, interrupt), interruption.signal).finally(view.done);
    print(`${renderReport(report, outputWidth())}\n`);
    process.exitCode = exitCodeOf(report);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    process.exitCode = hasReader() ? 130 : shownExitCode();
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** `tcp-keepalive demo`: what keepalive does, shown on real connections. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('time what a server sees of peers that close, reset, crash or fall silent (Linux, no root)')
    .addOption(
      new Option('--policy <policy>', 'idle:interval:count[:userTimeout] for the listener')
        .argParser(policyArgument)
        .default(parsePolicy('2:1:3'), '2:1:3'),
    )
    .option('--json', 'print the result as JSON instead of the live view and the table')
    .addHelpText(
      'after',
      `
Exit code: 0 if every measurement is within its predicted range or at most 0.5 s
outside; 1 wrong usage or nothing shown; 2 if one is not; 130 after Ctrl+C.
All verbs: docs/exit-codes.md

Example, with the numbers 30 s, 5 s and 3 (takes about a minute):
  $ tcp-keepalive demo --policy 30:5:3`,
    )
    .action(demo);
}
