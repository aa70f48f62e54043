import { didYouMean } from '../../policy/closest-name.js';
import { assertKnownNames, ConfigurationError } from '../../policy/configuration-error.js';
import type { PortRange } from '../../policy/match/port-range.js';
import { verdicts } from '../../policy/model/verdict.js';
import { tcpStates } from '../../wire/tcp-info/state.js';
import { SelectionError, type SelectionFilter, selectionFilters } from './selection-error.js';

const isNumber = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isDuration = (value: unknown) => typeof value === 'number' && value > 0;
const isText = (value: unknown) => typeof value === 'string' && value !== '';

function isPortRange(value: unknown): boolean {
  const { end, first, last } = (value ?? {}) as Partial<PortRange>;
  return (
    isPort(first) && isPort(last) && Number(first) <= Number(last) && ['local', 'remote', 'either'].includes(`${end}`)
  );
}

const isPort = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535;

const isPrefix = (value: unknown) => Object.values(value ?? {}).some((part) => part instanceof Uint8Array);

/** The values of each filter: the test of one, and what a list of them is called. */
const filters: {
  readonly [filter in Exclude<SelectionFilter, 'unanswered'>]: readonly [(value: unknown) => boolean, string];
} = {
  pid: [isNumber, 'an array of process ids such as [4711]'],
  process: [isText, "an array of names such as ['postgres']"],
  command: [isText, "an array of command lines such as ['*shop.jar*']"],
  port: [isPortRange, "an array of ranges such as [{ end: 'local', first: 5432, last: 5432 }]"],
  local: [isPrefix, "an array of blocks, as parseSelection({ local: '10.0.0.0/8' }) returns"],
  remote: [isPrefix, "an array of blocks, as parseSelection({ remote: '10.0.0.0/8' }) returns"],
  state: [(value) => tcpStates.includes(value as 'LISTEN'), "an array of states such as ['ESTABLISHED']"],
  verdict: [(value) => verdicts.includes(value as 'slow'), `an array of ${verdicts.join(', ')}`],
  silentFor: [isDuration, 'an array of milliseconds such as [600000]'],
  cgroup: [
    (value) => isText(value) && (value as string).startsWith('/'),
    "an array of paths such as ['/system.slice']",
  ],
  unit: [isText, "an array of names such as ['nginx.service']"],
  netns: [isNumber, 'an array of inodes of network namespaces'],
};

/** Returns the question whether a state or verdict was meant; undefined if none is close to a wrong value. */
function hintFor(filter: SelectionFilter, value: unknown): string | undefined {
  const names: Partial<Record<SelectionFilter, readonly string[]>> = {
    state: tcpStates,
    verdict: verdicts,
  };
  const text = filter === 'state' ? String(value).toUpperCase().replaceAll('-', '_') : String(value);
  return didYouMean(text, names[filter] ?? []);
}

/**
 * Checks a selection that was written as an object: a wrong filter or value would select nothing, or everything.
 *
 * @throws {ConfigurationError} if it is no object, or a filter is not known.
 * @throws {SelectionError} if a value is wrong.
 */
export function assertSelection(source: string, selection: unknown): void {
  if (typeof selection !== 'object' || selection === null) {
    throw new ConfigurationError(source, 'selection', selection, "an object such as parseSelection({ port: '5432' })");
  }
  assertKnownNames(source, 'filter', Object.keys(selection), selectionFilters);
  for (const [filter, values] of Object.entries(selection) as [SelectionFilter, unknown][]) {
    if (values === undefined) continue;
    if (filter === 'unanswered') {
      if (typeof values !== 'boolean') throw new SelectionError(filter, values, 'true or false');
      continue;
    }
    const [isValid, allowed] = filters[filter];
    if (!Array.isArray(values)) throw new SelectionError(filter, values, allowed, hintFor(filter, values));
    const wrong = values.find((value) => !isValid(value));
    if (wrong !== undefined || values.includes(undefined)) {
      throw new SelectionError(filter, wrong, allowed, hintFor(filter, wrong));
    }
  }
}
