import { type Command, Option } from 'commander';
import type { ListQuery } from '../../host/list/list-query.js';
import { networkNamespaces } from '../../host/namespaces/network-namespaces.js';
import { parseSelection, type Selection, type SelectionText, stateNames } from '../../host/selection/selection.js';
import { selectionFilters } from '../../host/selection/selection-error.js';
import { verdicts } from '../../policy/model/verdict.js';
import { durationOption } from './duration-option.js';
import { withValues } from './option-values.js';

/** The filters that `ls`, `set` and `check` share, as commander gives them. */
export interface SelectionOptions extends SelectionText {
  readonly allNetns?: true;
  readonly within?: number;
  readonly behind?: string;
  readonly optionSource?: 'tcp-iterator' | 'descriptor-copies';
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Adds the shared filters to a verb. */
export function addSelectionOptions(command: Command): Command {
  const filter = (flags: string, description: string, values?: readonly string[]) => {
    const option = new Option(flags, description).argParser(collect);
    command.addOption(values === undefined ? option : withValues(option, values, { isList: true }));
  };
  filter('--pid <pid>', 'of these processes');
  filter('--process <name>', "of this program or script: 'postgres', 'node', 'app.js', 'php*'");
  filter('--command <glob>', "of processes with this command line: '*shop.jar*'");
  filter('--port <port>', "'443', '8000-8099', 'local:443' or 'remote:5432'");
  filter('--local <cidr>', 'with the own end in this block of addresses');
  filter('--remote <cidr>', 'with peers in this block of addresses');
  filter('--state <state>', 'in this state, such as established or listen', stateNames);
  filter('--verdict <verdict>', 'protected, slow, unprotected; with --behind exposed (and unprotected)', verdicts);
  filter('--silent-for <duration>', "whose peers were not heard for as long: '10m'");
  command.option('--unanswered', 'with probes or data that are unanswered now');
  filter('--cgroup <path>', 'made in this cgroup or below it');
  filter('--unit <unit>', "of this systemd unit, or container such as 'docker:3f2a*'");
  filter('--netns <netns>', 'in this network namespace: a name or an inode');
  command.option('--all-netns', 'in every network namespace, containers included');
  command.addOption(durationOption('--within <duration>', 'a slower detection is `slow` (default: 60s)'));
  command.addOption(
    new Option('--option-source <source>', 'how options are reached (default: what is permitted and safe)').choices([
      'tcp-iterator',
      'descriptor-copies',
    ]),
  );
  return command;
}

/** The inode of a network namespace that is called by its name, its path or its inode. */
function netnsInode(text: string): number | undefined {
  return networkNamespaces().namespaces.find(
    ({ name, path, inode }) => name === text || path === text || String(inode) === text,
  )?.inode;
}

/** Returns whether any filter was given. */
export function hasFilter(options: SelectionOptions): boolean {
  return selectionFilters.some((filter) => options[filter] !== undefined);
}

/**
 * The query that the options stand for.
 *
 * @throws {SelectionError} naming the filter that is wrong.
 */
export function queryOf(options: SelectionOptions): ListQuery & { readonly selection: Selection } {
  const { allNetns = false, within, behind, optionSource } = options;
  const text = Object.fromEntries(selectionFilters.map((filter) => [filter, options[filter]]));
  const selection = parseSelection(text, netnsInode);
  return {
    selection,
    allNetns,
    ...(within === undefined ? {} : { withinMs: within }),
    ...(behind === undefined ? {} : { behind }),
    ...(optionSource === undefined ? {} : { optionSource }),
  };
}
