import { didYouMean } from '../../policy/closest-name.js';
import { assertKnownNames } from '../../policy/configuration-error.js';
import { readDuration } from '../../policy/duration.js';
import { type PortRange, parsePortRange, portRangesAllowed } from '../../policy/match/port-range.js';
import { type Verdict, verdicts } from '../../policy/model/verdict.js';
import { millisecondsMeant } from '../../policy/unit-slip.js';
import { type AddressPrefix, parseAddressPrefix } from '../../wire/ip-address.js';
import type { TcpState } from '../../wire/tcp-info/decode.js';
import { SelectionError, type SelectionFilter, selectionFilters } from './selection-error.js';

/**
 * Filters of connections. A connection is selected if it matches each filter that is given. It matches a filter if it
 * matches one of the values of the filter.
 */
export interface Selection {
  readonly pid?: readonly number[];
  /**
   * Names of programs: the kernel's name of the process, the program as `ls` shows it, or its interpreter or script alone. `*`
   * and `?` stand for any text and one character, as in `command`, `cgroup` and `unit`.
   */
  readonly process?: readonly string[];
  /** Whole command lines, with spaces between the arguments. */
  readonly command?: readonly string[];
  readonly port?: readonly PortRange[];
  /** Blocks of addresses that the own end is in. A listener on every address has 0.0.0.0 or `::`. */
  readonly local?: readonly AddressPrefix[];
  readonly remote?: readonly AddressPrefix[];
  readonly state?: readonly TcpState[];
  readonly verdict?: readonly Verdict[];
  /** Times in milliseconds: the peer was not heard for at least one of them. */
  readonly silentFor?: readonly number[];
  /** `true` for connections with probes or data that are unanswered now, `false` for the others. */
  readonly unanswered?: boolean;
  /** Paths of cgroups, which stand for all below them too. */
  readonly cgroup?: readonly string[];
  /** Names of units, also without `.service`, and of containers such as `docker:3f2a9c0d1e4b`. */
  readonly unit?: readonly string[];
  /** Network namespaces, by inode. */
  readonly netns?: readonly number[];
}

/** The filters as a user writes them: each value may be a list with commas. */
export type SelectionText = {
  readonly [filter in TextFilter]?: string | readonly string[] | undefined;
} & { readonly unanswered?: boolean | undefined };

type TextFilter = Exclude<SelectionFilter, 'unanswered'>;

function parsePid(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) > 0) return Number(text);
  throw new SelectionError('pid', text, "a process id such as '4711'");
}

function parsePort(text: string): PortRange {
  const range = parsePortRange(text);
  if (range !== undefined) return range;
  throw new SelectionError('port', text, portRangesAllowed);
}

function parseBlock(filter: 'local' | 'remote', text: string): AddressPrefix {
  const prefix = parseAddressPrefix(text);
  if (prefix !== undefined) return prefix;
  throw new SelectionError(filter, text, "an address or a block such as '10.0.0.0/8' or '2001:db8::/32'");
}

function parseSilentFor(text: string): number {
  const ms = readDuration(text, 's');
  const slip = millisecondsMeant(text);
  if (ms !== undefined && ms > 0 && slip === undefined) return ms;
  const allowed = "a duration such as '10m' or '90s'; a number without a unit is in seconds";
  throw new SelectionError('silentFor', text, slip === undefined ? allowed : `${allowed}; ${slip}`);
}

/** Each state as users write it once case, `-` and `_` are taken away; `ss` has names of its own for some. */
const states: Readonly<Record<string, readonly TcpState[]>> = {
  established: ['ESTABLISHED'],
  estab: ['ESTABLISHED'],
  synsent: ['SYN_SENT'],
  synrecv: ['SYN_RECV', 'NEW_SYN_RECV'],
  finwait1: ['FIN_WAIT1'],
  finwait2: ['FIN_WAIT2'],
  timewait: ['TIME_WAIT'],
  close: ['CLOSE'],
  closed: ['CLOSE'],
  unconn: ['CLOSE'],
  closewait: ['CLOSE_WAIT'],
  lastack: ['LAST_ACK'],
  listen: ['LISTEN'],
  listening: ['LISTEN'],
  closing: ['CLOSING'],
};

/** The names of states that messages and shells offer. */
export const stateNames: readonly string[] = [
  ...new Set(Object.values(states).map(([state = '']) => state.toLowerCase().replaceAll('_', '-'))),
];

function parseState(text: string): readonly TcpState[] {
  const found = new Map(Object.entries(states)).get(text.toLowerCase().replaceAll(/[-_]/g, ''));
  if (found !== undefined) return found;
  throw new SelectionError(
    'state',
    text,
    `one of ${stateNames.join(', ')}`,
    didYouMean(text.toLowerCase(), stateNames),
  );
}

function parseVerdict(text: string): Verdict {
  const found = verdicts.find((verdict) => verdict === text);
  if (found !== undefined) return found;
  throw new SelectionError('verdict', text, `one of ${verdicts.join(', ')}`, didYouMean(text, verdicts));
}

function parseCgroup(text: string): string {
  if (!text.startsWith('/')) throw new SelectionError('cgroup', text, "a path such as '/system.slice'");
  return text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
}

/** Finds a network namespace by what a user calls it; `undefined` where there is none. */
export type NetnsLookup = (text: string) => number | undefined;

const netnsByInode: NetnsLookup = (text) => (/^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined);

function parseNetns(text: string, lookUp: NetnsLookup): number {
  const inode = lookUp(text);
  if (inode !== undefined) return inode;
  throw new SelectionError('netns', text, 'a network namespace that exists and that you may look into');
}

function valuesOf(filter: SelectionFilter, given: string | readonly string[]): string[] {
  const texts = typeof given === 'string' ? [given] : given;
  if (texts.length === 0) throw new SelectionError(filter, given, 'not empty');
  return texts.flatMap((text) => {
    // Command lines have commas.
    const values = (filter === 'command' ? [text] : text.split(',')).map((value) => value.trim());
    if (values.includes('')) throw new SelectionError(filter, text, 'not empty');
    return values;
  });
}

const parsers: { readonly [filter in TextFilter]: (text: string, lookUp: NetnsLookup) => unknown } = {
  pid: parsePid,
  process: (text) => text,
  command: (text) => text,
  port: parsePort,
  local: (text) => parseBlock('local', text),
  remote: (text) => parseBlock('remote', text),
  state: parseState,
  verdict: parseVerdict,
  silentFor: parseSilentFor,
  cgroup: parseCgroup,
  unit: (text) => text,
  netns: parseNetns,
};

/**
 * Reads filters as the command line has them.
 *
 * @param lookUpNetns Finds a network namespace by a name or a path. Default: only by its inode.
 * @example
 * const { rows } = listConnections({ selection: parseSelection({ port: 'local:443', state: 'established' }) });
 * @throws {SelectionError} naming the filter that is wrong, what was given and what is allowed.
 * @throws {ConfigurationError} if there is no filter of a name: the filter would select everything.
 */
export function parseSelection(text: SelectionText, lookUpNetns: NetnsLookup = netnsByInode): Selection {
  assertKnownNames('parseSelection', 'filter', Object.keys(text), selectionFilters);
  const selection: Partial<Record<SelectionFilter, unknown>> = {};
  for (const filter of selectionFilters) {
    if (filter === 'unanswered') {
      if (text.unanswered !== undefined) selection.unanswered = text.unanswered;
      continue;
    }
    const given = text[filter];
    if (given === undefined) continue;
    selection[filter] = valuesOf(filter, given).flatMap((value) => parsers[filter](value, lookUpNetns));
  }
  return selection as Selection;
}
