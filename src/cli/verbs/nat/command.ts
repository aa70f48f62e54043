import { Command, InvalidArgumentError, Option } from 'commander';
import { measurePath } from '../../../socket/path/measure-path.js';
import type { PathTarget } from '../../../socket/path/open-connection.js';
import { mostConnections, type PathMeasurement } from '../../../socket/path/path-options.js';
import { exitCodes } from '../../exit-codes.js';
import { durationOption } from '../../shared/duration-option.js';
import { drawStatus, outputWidth, print, printJson, printMessage, shownExitCode } from '../../shared/output.js';
import { serveCommand } from './serve.js';
import { targetArgument } from './target.js';
import { renderMeasurement, renderProgress } from './text.js';

interface NatOptions {
  readonly min: number;
  readonly max: number;
  readonly connections: number;
  readonly fromServer?: true;
  readonly json?: true;
}

function connectionsArgument(text: string): number {
  const count = Number(text);
  if (/^\d{1,4}$/.test(text) && count >= 2 && count <= mostConnections) return count;
  throw new InvalidArgumentError(`A whole number from 2 to ${mostConnections} is needed.`);
}

/** Measures a path until Ctrl+C. Returns what is known then; undefined if nothing is. */
async function measure(
  target: PathTarget,
  { min, max, connections, fromServer }: NatOptions,
): Promise<PathMeasurement | undefined> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  let known: PathMeasurement | undefined;
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await measurePath({
      ...target,
      min,
      max,
      connections,
      asking: fromServer ? 'server' : 'client',
      signal: interruption.signal,
      onProgress(progress) {
        known = progress.known;
        drawStatus(renderProgress(progress));
      },
    });
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    if (known === undefined || known.trials.length === 0) return undefined;
    return { ...known, incomplete: [...known.incomplete, 'interrupted'] };
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    drawStatus('');
  }
}

/** Returns the exit code. If the server closed the connection, how long the path keeps it is not answered. */
function exitCodeOf({ how, disagreements, incomplete }: PathMeasurement): number {
  const isAnswered = how !== 'closed-by-server' && disagreements.length === 0 && incomplete.length === 0;
  return isAnswered ? exitCodes.done : exitCodes.unanswered;
}

async function nat(target: PathTarget, options: NatOptions, command: Command): Promise<void> {
  if (options.min >= options.max) command.error('--max must be longer than --min');
  const measurement = await measure(target, options);
  if (measurement === undefined) {
    printMessage('interrupted: nothing is known yet');
    process.exitCode = exitCodes.nothing;
    return;
  }
  if (options.json) printJson(measurement);
  else {
    print(renderMeasurement(measurement, target, outputWidth()));
    for (const reason of measurement.incomplete) printMessage(`not measured to the end: ${reason}`);
  }
  process.exitCode = shownExitCode(exitCodeOf(measurement));
}

/** `tcp-keepalive nat`: how long a path keeps an idle connection. */
export function natCommand(): Command {
  return new Command('nat')
    .description('measure how long the path to a server keeps an idle connection (Linux)')
    .argument('<host:port>', 'a server that tolerates idle clients; an IPv6 address stands in brackets', targetArgument)
    .addOption(durationOption('--min <duration>', 'the shortest rest').default(30_000, '30s'))
    .addOption(durationOption('--max <duration>', 'the longest rest').default(1_200_000, '20m'))
    .addOption(
      new Option('--connections <count>', 'the most connections at once; fewer than 40 take longer')
        .argParser(connectionsArgument)
        .default(40),
    )
    .option('--from-server', 'the server speaks first after the rest: it runs `tcp-keepalive nat serve`')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Connections rest for different times, each 10 % longer than the one before. Each
is asked once, by a keepalive probe: what answers is alive. A second pass
narrows the time down to 1 %. Takes 2.2 times the time that the path keeps
connections, or --max if it keeps them all. Ctrl+C prints what is known.

Exit code: 0 measured, or nothing was lost up to --max; 1 wrong usage or the
server cannot be reached; 3 measured in part: results disagree, the server
closed first or sends packets of its own, Ctrl+C. All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive nat db.example:5432
  $ tcp-keepalive nat db.example:5432 --max 6m --connections 8 --json`,
    )
    .action(nat)
    .addCommand(serveCommand());
}
