import { assertKnownNames, assertKnownOptions } from '../../policy/configuration-error.js';
import type { OptionSource } from '../options/source.js';
import type { Selection } from '../selection/selection.js';
import { selectionFilters } from '../selection/selection-error.js';

/** Which connections to list, and which facts about them. */
export interface ListQuery {
  /** Which connections. Default: all of this process's network namespace. */
  readonly selection?: Selection;
  /** Every network namespace of the machine instead of only this process's own; needs CAP_SYS_ADMIN. */
  readonly allNetns?: boolean;
  /** Also TIME_WAIT and SYN_RECV, which have no options. A selection by state overrides this. */
  readonly allStates?: boolean;
  /** `false` leaves out the options, and with them the verdicts. */
  readonly options?: boolean;
  /** A detection that can take longer than this is `slow`. Default: 60 s. */
  readonly withinMs?: number;
  /**
   * The only way to read and set options. Default: the best way that is permitted and safe. `'tcp-iterator'` can
   * corrupt the memory of kernels with CVE-2026-74714 (before 6.1.183, 6.6.152, 6.12.104, 6.18.45 and 7.1.9).
   */
  readonly optionSource?: OptionSource['method'];
}

const queryNames: readonly (keyof ListQuery)[] = [
  'selection',
  'allNetns',
  'allStates',
  'options',
  'withinMs',
  'optionSource',
];

/**
 * Checks the names of a query and of its filters: a misspelt filter would not filter.
 *
 * @param more Further names that the function takes.
 * @throws {ConfigurationError} if a name is not known.
 */
export function assertListQuery(source: string, query: ListQuery, more: readonly string[] = []): void {
  assertKnownOptions(source, query, [...queryNames, ...more]);
  assertKnownNames(source, 'filter', Object.keys(query.selection ?? {}), selectionFilters);
}
