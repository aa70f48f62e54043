import { describeValue } from '../errors.js';
import { formatPolicy } from '../format.js';
import type { Dialect, NumberField, Numbers } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { dialectNamed } from './dialects.js';
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

function numbersOf(found: FoundWords): Partial<Numbers> {
  const stated = (['idle', 'interval', 'count', 'userTimeout'] as const).flatMap((field: NumberField) => {
    const value = found[field]?.value;
    return value === undefined ? [] : [[field, value] as const];
  });
  return Object.fromEntries(stated);
}

function notesOf({ numbers, unsaid }: ReturnType<typeof inForce>): string[] {
  return unsaid.map(({ field, isKernels, why }) => {
    const name = field === 'idle' ? 'idle time' : field;
    const then = spokenValue(field as 'idle', numbers[field as 'idle']);
    return `the text does not say the ${name}: ${why}: ${then}${isKernels ? ' unless a sysctl says otherwise' : ''}`;
  });
}

/** Returns the note that keepalive is off, if nothing in the text turns it on. */
function offByDefaultOf({ turnedOnBy }: Dialect, found: FoundWords): string | undefined {
  if (turnedOnBy === undefined || found.enabled?.value === true) return undefined;
  return `these lines alone turn no keepalive on: ${turnedOnBy === null ? 'each program has to' : `${turnedOnBy} is missing`}`;
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
  const found = readWords(from, text);
  if (found.enabled?.value === false) return { dialect: from.name, policy: 'off', notes: [] };
  const said = numbersOf(found);
  const { value, why } = from.unsaid.idle;
  if (said.idle === undefined && value(said) === 'off') return { dialect: from.name, policy: 'off', notes: [why] };
  const result = inForce(from, said);
  const imported = { dialect: from.name, policy: formatPolicy(result.numbers) };
  const notes = notesOf(result);
  const offByDefault = offByDefaultOf(from, found);
  if (offByDefault === undefined) return { ...imported, notes };
  return { ...imported, notes: [...notes, offByDefault], offByDefault };
}
