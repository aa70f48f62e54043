import { ConfigurationError } from '../../policy/configuration-error.js';
import { describeValue } from '../../policy/errors.js';
import { verdicts } from '../../policy/model/verdict.js';
import { OptionsCheck } from '../../policy/options-check.js';
import { readMiddlebox } from '../../policy/plan/middleboxes.js';
import type { OptionSource } from '../options/source.js';
import { assertSelection } from '../selection/assert-selection.js';
import type { Selection } from '../selection/selection.js';
import { SelectionError } from '../selection/selection-error.js';

/** Which connections to list, and which facts about them. */
export interface ListQuery {
  /** The connections to list. Default: all of this process's network namespace. */
  readonly selection?: Selection;
  /**
   * Lists every network namespace of the machine, not only this process's own. Needs CAP_SYS_ADMIN.
   *
   * @default false
   */
  readonly allNetns?: boolean;
  /**
   * Lists also TIME_WAIT and SYN_RECV, which have no options. A selection by state overrides this.
   *
   * @default false
   */
  readonly allStates?: boolean;
  /**
   * `false` leaves out the options, and with them the verdicts.
   *
   * @default true
   */
  readonly options?: boolean;
  /**
   * A detection that can take longer, in milliseconds, is `slow`.
   *
   * @default 60000
   */
  readonly withinMs?: number;
  /**
   * A middlebox on the path, such as `'aws-nlb'`, or its idle timeout: `'350s'`, or a number of milliseconds. A connection whose
   * first probe can come too late for the middlebox is `exposed`. Changes no verdict if keepalive does not count there:
   * {@link middleboxOf} tells.
   */
  readonly behind?: string | number;
  /**
   * The only way to read and set options. Default: the best way that is permitted and safe. `'tcp-iterator'` can
   * corrupt the memory of kernels with CVE-2026-74714 (before 6.1.183, 6.6.152, 6.12.104, 6.18.45 and 7.1.9).
   */
  readonly optionSource?: OptionSource['method'];
  /**
   * Also finds sockets that the kernel passed over while the list changed, by a second reading of a long list.
   * `setConnections`, `undoChanges` and `checkPeers` always do.
   *
   * @default false
   */
  readonly findMissed?: boolean;
}

const queryNames: readonly (keyof ListQuery)[] = [
  'selection',
  'allNetns',
  'allStates',
  'options',
  'withinMs',
  'behind',
  'optionSource',
  'findMissed',
];

export const optionMethods: readonly OptionSource['method'][] = ['tcp-iterator', 'descriptor-copies'];

const verdictsWithoutMiddlebox = verdicts.filter((verdict) => verdict !== 'exposed').join(', ');

/** Checks a middlebox: without its timeout, no connection could be told to be exposed or not. */
function assertTimeoutKnown(source: string, behind: unknown): void {
  const { timeoutMs, keepAliveCounts, note } = readMiddlebox(behind, source, 'behind');
  if (timeoutMs !== null || keepAliveCounts === false) return;
  const allowed = `a middlebox with one idle timeout, or a duration such as '5m'`;
  throw new ConfigurationError(source, 'behind', behind, allowed, undefined, `${describeValue(behind)}; ${note}`);
}

/**
 * Checks a query: a misspelt filter would not filter.
 *
 * @param more Further options of the function, which are true or false.
 * @throws {ConfigurationError} if a name is not known, or a value is wrong.
 * @throws {SelectionError} if a value of a filter is wrong.
 */
export function assertListQuery(source: string, query: ListQuery, more: readonly string[] = []): void {
  const check = new OptionsCheck(source, query, [...queryNames, ...more]);
  check.booleans('allNetns', 'allStates', 'options', 'findMissed', ...more);
  check.oneOf('optionSource', optionMethods);
  const { selection = {}, withinMs = 1, behind } = query;
  if (!(typeof withinMs === 'number' && withinMs > 0)) check.refuse('withinMs', 'a number of milliseconds above 0');
  assertSelection(source, selection);
  if (behind !== undefined) assertTimeoutKnown(source, behind);
  else if (selection.verdict?.includes('exposed')) {
    throw new SelectionError(
      'verdict',
      'exposed',
      `${verdictsWithoutMiddlebox}; 'exposed' takes a middlebox (--behind of ls and set)`,
    );
  }
}
