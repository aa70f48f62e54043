import { describeValue } from '../errors.js';
import { formatPolicy } from '../format.js';
import type { Dialect, NumberField, Numbers } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { dialectNamed, dialectNames } from './dialects.js';
import { inForce, spokenValue } from './in-force.js';
import { type FoundWords, readWords } from './read-words.js';

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
 * @throws {DialectError} if there is no such system, or if the text is cut, wrong or has no word about keepalive. The error
 * has the line and the word.
 */
export function importPolicy(dialect: string, text: string): ImportedPolicy {
  const from = dialectNamed(dialect);
  if (typeof text !== 'string') {
    const message = `the text must be a string, got ${describeValue(text)}`;
    throw new DialectError(from.name, message, { allowed: 'a string' });
  }
  const found = readWords(from, text, () => otherSystems(from, text));
  const isOff = found.enabled?.value === false || Object.values(found).some(({ value }) => value === 'off');
  if (isOff) return { dialect: from.name, policy: 'off', notes: [] };
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
