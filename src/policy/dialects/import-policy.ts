import { spokenDuration } from '../duration.js';
import { describeValue } from '../errors.js';
import { formatPolicy } from '../format.js';
import { type Dialect, type NumberField, type Numbers, wordFields } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { dialectNamed, dialectNames } from './dialects.js';
import { type Found, type FoundWords, isOff } from './group-words.js';
import { inForce, spokenValue } from './in-force.js';
import { lineAt, readWords } from './read-words.js';

/** A policy that was read from another system's configuration. */
export interface ImportedPolicy {
  /** The name of the system, such as `'nginx'`. */
  readonly dialect: string;
  /** The policy as text, such as `'30:5:3'`, or `'off'`. */
  readonly policy: string;
  /** What the text does not say, and what applies instead. */
  readonly notes: readonly string[];
  /** The note that the text alone turns no keepalive on; left out if it does. */
  readonly offByDefault?: string;
}

const numberFields = ['idle', 'interval', 'count', 'userTimeout'] as const satisfies readonly NumberField[];

/** Returns the numbers that a text says. */
function numbersOf(found: FoundWords): Partial<Numbers> {
  return Object.fromEntries(
    numberFields.flatMap((field) => {
      const value = found[field]?.value;
      return typeof value === 'number' ? [[field, value] as const] : [];
    }),
  );
}

/** Returns the policy in force, which is the kernel's for the numbers that the text leaves to the kernel. */
function readInForce(dialect: Dialect, found: FoundWords): ReturnType<typeof inForce> {
  const said = numbersOf(found);
  const left = numberFields.filter((field) => found[field]?.value === 'kernel');
  const names = Object.values(found).map(({ word }) => word);
  const own = dialect.words.find(({ word, unsaid }) => unsaid !== undefined && names.includes(word))?.unsaid;
  if (own !== undefined) return inForce({ ...dialect, unsaid: own }, said, left);
  const { allOrNone: why } = dialect;
  if (why === undefined || (said.idle !== undefined && left.length === 0)) return inForce(dialect, said, left);
  const { numbers, unsaid } = inForce(dialect, {}, ['idle', 'interval', 'count']);
  return { numbers, unsaid: unsaid.map((number) => ({ ...number, why })) };
}

/** Returns how keepalive is turned on, if no word of the text does so; null if only the program does. */
function missingSwitch({ turnedOnBy, words }: Dialect, found: FoundWords): string | null | undefined {
  if (found.enabled?.value === true) return undefined;
  if (turnedOnBy !== undefined) return turnedOnBy;
  const names = Object.values(found).map(({ word }) => word);
  return words.find((each) => each.turnedOnBy && names.includes(each.word))?.turnedOnBy;
}

function notesOf(found: FoundWords, { numbers, unsaid }: ReturnType<typeof inForce>): string[] {
  return unsaid.map(({ field, isKernels, why }) => {
    const name = field === 'idle' ? 'idle time' : field;
    const isSaid = typeof found[field]?.value === 'number';
    const start = isSaid ? `the ${name} of the text does not apply` : `the text does not say the ${name}`;
    const then = spokenValue(field, numbers[field]);
    return `${start}: ${why}: ${then}${isKernels ? ' unless a sysctl says otherwise' : ''}`;
  });
}

/** Returns the note that keepalive is off, if nothing in the text turns it on. */
function offByDefaultOf(dialect: Dialect, found: FoundWords): string | undefined {
  const missing = missingSwitch(dialect, found);
  if (missing === undefined) return undefined;
  return `these lines alone turn no keepalive on: ${missing === null ? 'each program has to' : `${missing} is missing`}`;
}

/** Longer texts are not tried in the words of each other system. */
const longestTried = 10_000;

/** Returns the question whether text is that of the systems that can read it. */
function otherSystems({ name }: Dialect, text: string): string {
  if (text.length > longestTried) return '';
  const systems = dialectNames.filter((other) => {
    if (other === name) return false;
    try {
      readWords(dialectNamed(other), text);
      return true;
    } catch {
      return false;
    }
  });
  return systems.length === 0 ? '' : `; did you mean "${systems.join('" or "')}"?`;
}

/** Returns the policy that words say. */
function policyOf(from: Dialect, found: FoundWords): ImportedPolicy {
  if (isOff(found)) return { dialect: from.name, policy: 'off', notes: [] };
  const said = numbersOf(found);
  const { value, why } = from.unsaid.idle;
  if (said.idle === undefined && value(said) === 'off') return { dialect: from.name, policy: 'off', notes: [why] };
  const result = readInForce(from, found);
  const imported = { dialect: from.name, policy: formatPolicy(result.numbers) };
  const notes = notesOf(found, result);
  const offByDefault = offByDefaultOf(from, found);
  if (offByDefault === undefined) return { ...imported, notes };
  return { ...imported, notes: [...notes, offByDefault], offByDefault };
}

/** A policy of a text, and where it begins. */
export interface PlacedPolicy extends ImportedPolicy {
  /** The line of its first word, counted from 1. */
  readonly line: number;
  /** Its first word. */
  readonly word: string;
}

/** The most policies of one text: each takes a screen to explain. */
const mostPolicies = 20;

/** Returns the first word of a policy that says a number; without numbers, its first word. */
function firstOf(found: FoundWords): Found {
  const all = Object.values(found);
  const numbers = all.filter(({ field }) => field !== 'enabled');
  return (numbers.length === 0 ? all : numbers).reduce((first, each) => (each.index < first.index ? each : first));
}

interface Read {
  readonly found: FoundWords;
  readonly policy: ImportedPolicy;
}

/** Returns the policies of a text, each once. */
function readPolicies(from: Dialect, text: string): Read[] {
  if (typeof text !== 'string') {
    const message = `the text must be a string, got ${describeValue(text)}`;
    throw new DialectError(from.name, message, { allowed: 'a string' });
  }
  const policies = new Map<string, Read>();
  for (const found of readWords(from, text, () => otherSystems(from, text))) {
    const policy = policyOf(from, found);
    const key = `${policy.policy} ${policy.offByDefault}`;
    if (!policies.has(key)) policies.set(key, { found, policy });
  }
  return [...policies.values()];
}

/** Returns a value for an error. */
function spoken({ field, value }: Found): string {
  if (value === undefined || value === 'kernel') return 'left out';
  if (field === 'enabled' || value === 'off') return value === true ? 'on' : 'off';
  return field === 'count' ? String(value) : spokenDuration(Number(value));
}

/** Returns the error about a text with several policies, where one is needed. */
function severalError(from: Dialect, text: string, policies: readonly Read[]): DialectError {
  const [one, other] = policies.map(({ found }) => found) as [FoundWords, FoundWords];
  const differs = wordFields.find((field) => one[field] && other[field] && one[field].value !== other[field].value);
  const [before, after] = differs ? [one[differs] as Found, other[differs] as Found] : [];
  const line = lineAt(text, (after ?? firstOf(other)).index);
  const listed = policies.slice(0, 5).map(({ policy, found }) => {
    const first = firstOf(found);
    return `${policy.policy} (line ${lineAt(text, first.index)}, ${first.word})`;
  });
  const more = policies.length > listed.length ? ` and ${policies.length - listed.length} more` : '';
  const why =
    before && after
      ? `${after.word} is ${spoken(after)}, but ${before.word} in line ${lineAt(text, before.index)} is ${spoken(before)}`
      : 'this is another policy';
  const message = `${why}; pass one policy at a time: the text has ${listed.join(', ')}${more}`;
  return new DialectError(from.name, message, {
    line,
    word: (after ?? firstOf(other)).word,
    allowed: 'the same value as before',
  });
}

/**
 * Reads each policy that another system's configuration states, such as those of several addresses, clusters or sides of a
 * proxy. Policies that are the same are returned once.
 *
 * @throws {DialectError} as {@link importPolicy}, but takes up to 20 policies.
 */
export function importPolicies(dialect: string, text: string): PlacedPolicy[] {
  const from = dialectNamed(dialect);
  const policies = readPolicies(from, text);
  if (policies.length > mostPolicies) throw severalError(from, text, policies);
  return policies.map(({ found, policy }) => {
    const { index, word } = firstOf(found);
    return { ...policy, line: lineAt(text, index), word };
  });
}

/**
 * Reads the policy that another system's configuration states. Passes over everything in the text that does not concern
 * keepalive, so that a whole file can be given.
 *
 * A number that the text does not say is the one that the system then uses; for the kernel's own defaults, Linux's.
 *
 * @param dialect The name of the system, one of `dialectNames`.
 * @param text The system's configuration.
 *
 * @example
 * importPolicy('nginx', 'listen 80 so_keepalive=30:5:3;').policy; // '30:5:3'
 * @throws {DialectError} if there is no such system, or if the text is cut, wrong, has no word about keepalive or has several
 * policies. The error has the line and the word.
 */
export function importPolicy(dialect: string, text: string): ImportedPolicy {
  const from = dialectNamed(dialect);
  const policies = readPolicies(from, text);
  if (policies.length > 1) throw severalError(from, text, policies);
  return (policies[0] as Read).policy;
}
