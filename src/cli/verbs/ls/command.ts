import { Command, InvalidArgumentError, Option } from 'commander';
import { type Group, type Grouping, groupings } from '../../../host/list/groups.js';
import type { ListQuery } from '../../../host/list/list-query.js';
import type { Listing } from '../../../host/list/listing.js';
import { isAnswered } from '../../../host/list/not-judged.js';
import { parseSortOrder, type SortOrder, sortKeys, sortRows } from '../../../host/list/order.js';
import { didYouMean } from '../../../policy/closest-name.js';
import { defaultWithinMs, isVerdictMeant, type Verdict } from '../../../policy/model/verdict.js';
import { exitCodes } from '../../exit-codes.js';
import { behindOption, warnBehind } from '../../shared/behind-option.js';
import { addColourOption, type ColourOptions, outputPaint } from '../../shared/colour-option.js';
import { durationOption } from '../../shared/duration-option.js';
import { withValues } from '../../shared/option-values.js';
import { outputWidth, printIncomplete, printPainted, shownExitCode } from '../../shared/output.js';
import { addSelectionOptions, queryOf, type SelectionOptions } from '../../shared/selection-options.js';
import { writeListing } from './json.js';
import { shownOmissions } from './shown-omissions.js';

interface LsOptions extends SelectionOptions, ColourOptions {
  readonly allStates?: true;
  readonly fast?: true;
  readonly sort: SortOrder;
  readonly group?: Grouping;
  readonly watch?: true | number;
  readonly failOn?: readonly Verdict[];
  readonly explain?: true;
  readonly json?: true;
}

/** The default order of `--watch`. */
const urgency: SortOrder = { key: 'urgency', isReversed: false };

function sortOrder(text: string): SortOrder {
  const order = parseSortOrder(text);
  if (order !== undefined) return order;
  const hint = didYouMean(text.replace(/^-/, ''), sortKeys);
  const allowed = `Allowed are ${sortKeys.join(', ')}, each also with a - before it`;
  throw new InvalidArgumentError(hint === undefined ? `${allowed}.` : `${allowed}; ${hint}`);
}

/** Returns the groups that --group asks for. */
async function groupsOf({ rows }: Listing, { group }: LsOptions): Promise<Group[] | undefined> {
  if (group === undefined) return undefined;
  return (await import('../../../host/list/group-facts.js')).groupListed(rows, group);
}

/** Returns the list as text. Loads the code of tables only here: loading it takes longer than a short list. */
async function table(listing: Listing, options: LsOptions): Promise<string> {
  const { rows } = listing;
  const { group, sort } = options;
  const groups = await groupsOf(listing, options);
  const { renderConnections, renderGroups, renderSummary } = await import('./text.js');
  const width = outputWidth();
  const paint = outputPaint(options);
  const body =
    group === undefined || groups === undefined
      ? renderConnections(sortRows(rows, sort), width, paint)
      : renderGroups(groups, group, width, paint);
  const summary = renderSummary(listing, paint, width);
  if (!options.explain || rows.length === 0) return `${body}\n\n${summary}\n`;
  const { renderExplanations } = await import('./explain.js');
  const explanations = renderExplanations(sortRows(rows, sort), options.within ?? defaultWithinMs, width);
  return `${body}\n\n${explanations}\n\n${summary}\n`;
}

/** Returns the function that lists. Loads the readers of options only if options are wanted. */
async function createLister({ fast }: LsOptions): Promise<(query: ListQuery) => Listing> {
  if (!fast) return (await import('../../../host/list/list.js')).listConnections;
  const { listThrough } = await import('../../../host/list/listing.js');
  return (query) => listThrough(undefined, query);
}

/** The verdicts that --fail-on takes. */
const faults: readonly Verdict[] = ['unprotected', 'exposed', 'slow'];

/** Reads a list of verdicts, and adds it to those given before. */
function failOn(text: string, previous: readonly Verdict[] = []): readonly Verdict[] {
  const verdicts = text.split(',').map((part) => {
    const name = part.trim();
    const verdict = faults.find((fault) => fault === name);
    if (verdict !== undefined) return verdict;
    const hint = didYouMean(name, faults);
    throw new InvalidArgumentError(`Allowed are ${faults.join(', ')}${hint === undefined ? '.' : `; ${hint}`}`);
  });
  return [...previous, ...verdicts];
}

function exitCodeOf(listing: Listing, { failOn: faultsWanted = [] }: LsOptions): number {
  if (listing.rows.some(({ verdict }) => isVerdictMeant(verdict, faultsWanted))) return exitCodes.fault;
  // Where probes do not count, no verdict says whether a connection is forgotten.
  const doProbesCount = listing.behind?.keepAliveCounts ?? listing.behind === undefined;
  return isAnswered(listing) && doProbesCount ? exitCodes.done : exitCodes.unanswered;
}

/** Returns the exit code of a list. Prints why the list is empty, unless only filters such as --verdict exclude all rows. */
async function conclude(listing: Listing, query: ReturnType<typeof queryOf>, options: LsOptions): Promise<number> {
  if (listing.rows.length > 0 || !isAnswered(listing)) return exitCodeOf(listing, options);
  const { concludeUnmatched } = await import('../../shared/conclude-unmatched.js');
  return concludeUnmatched(query, options);
}

async function watch(query: ListQuery, options: LsOptions, command: Command): Promise<void> {
  const list = await createLister(options);
  const { watchConnections } = await import('./watch.js');
  const { watch: every, group, json = false } = options;
  const isSorted = command.getOptionValueSource('sort') === 'cli';
  const watched = {
    list() {
      const listing = list(query);
      process.exitCode = exitCodeOf(listing, options);
      return listing;
    },
    everyMs: every === undefined || every === true ? 1000 : every,
    sort: isSorted || json ? options.sort : urgency,
    group,
    hasExposed: query.behind !== undefined,
    args: process.argv.slice(3),
    paint: outputPaint(options),
  };
  await watchConnections(watched, json);
  process.exitCode = shownExitCode(Number(process.exitCode));
}

async function ls(options: LsOptions, command: Command): Promise<void> {
  const { behind, failOn } = options;
  if (behind === undefined && failOn?.includes('exposed')) command.error('--fail-on exposed takes --behind');
  const query = { ...queryOf(options), allStates: options.allStates ?? false, options: !options.fast };
  warnBehind(behind);
  if (options.watch !== undefined) return watch(query, options, command);
  const list = await createLister(options);
  const listing = list(query);
  if (options.json) writeListing(listing, { sort: options.sort, groups: await groupsOf(listing, options) });
  else {
    printPainted(await table(listing, options));
    printIncomplete(shownOmissions(listing, options.group));
  }
  process.exitCode = shownExitCode(await conclude(listing, query, options));
}

/** `tcp-keepalive ls`: the machine's connections, and which of them would never be noticed dead. */
export function lsCommand(): Command {
  const command = new Command('ls').description(
    'list the connections of the machine with owner, keepalive, timer and verdict (Linux)',
  );
  addSelectionOptions(command)
    .addOption(behindOption())
    .option('--all-states', 'also TIME_WAIT and SYN_RECV')
    .addOption(
      new Option('--fast', 'without keepalive options and verdicts').conflicts(['verdict', 'behind', 'failOn']),
    )
    .addOption(
      withValues(new Option('--sort <key>', `${sortKeys.join(', ')}; -key for the other way round`), sortKeys)
        .argParser(sortOrder)
        .default({ key: 'verdict', isReversed: false }, 'verdict'),
    )
    .addOption(new Option('--group <by>', 'counts by verdict instead of connections').choices(groupings))
    .addOption(durationOption('--watch [every]', 'list again and again, the most urgent first (default: every 1s)'))
    .addOption(new Option('--explain', 'say in words what the rows mean').conflicts(['fast', 'group', 'watch', 'json']))
    .addOption(
      withValues(new Option('--fail-on <verdicts>', 'exit code 2 if a row is unprotected, exposed, slow'), faults, {
        isList: true,
      }).argParser(failOn),
    )
    .option('--json', 'print JSON; with --watch a line each time');
  addColourOption(command)
    .addHelpText(
      'after',
      `
Without root, that keepalive is off shows by the timers alone; the numbers of
other users' connections, and so their other verdicts, take CAP_SYS_PTRACE. What
could not be judged is counted, and named on standard error.

Exit code: 0 listed; 1 wrong usage, nothing matches or could be listed; 2 a
verdict of --fail-on; 3 some could not be judged, or may be missing.
All verbs: docs/exit-codes.md

Examples:
  $ tcp-keepalive ls --verdict unprotected --explain
  $ tcp-keepalive ls --port 5432 --fail-on unprotected,slow
  $ tcp-keepalive ls --behind aws-nlb --verdict exposed,unprotected --explain
  $ tcp-keepalive ls --watch --process postgres
  $ tcp-keepalive ls --group process
  $ tcp-keepalive ls --port 5432 --json`,
    )
    .action(ls);
  return command;
}
