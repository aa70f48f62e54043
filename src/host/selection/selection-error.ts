import { describeValue } from '../../policy/errors.js';
import { KeepAliveError } from '../../policy/keep-alive-error.js';

/** What connections can be selected by. */
export const selectionFilters = [
  'pid',
  'process',
  'command',
  'port',
  'local',
  'remote',
  'state',
  'verdict',
  'silentFor',
  'unanswered',
  'cgroup',
  'unit',
  'netns',
] as const;

/** The name of a filter. */
export type SelectionFilter = (typeof selectionFilters)[number];

/**
 * Thrown when a filter is not one that could select anything.
 *
 * `filter` names it, `given` is what was passed, `allowed` says what is accepted. Nothing has been read or changed.
 */
export class SelectionError extends KeepAliveError {
  override readonly name = 'SelectionError';
  readonly code = 'ERR_KEEPALIVE_SELECTION';
  readonly filter: SelectionFilter;
  readonly given: unknown;
  readonly allowed: string;

  /** @param hint What was probably meant. */
  constructor(filter: SelectionFilter, given: unknown, allowed: string, hint?: string) {
    super(`${filter} must be ${allowed}, got ${describeValue(given)}${hint === undefined ? '' : `; ${hint}`}`);
    this.filter = filter;
    this.given = given;
    this.allowed = allowed;
  }
}
