import { closestName } from '../closest-name.js';
import { spokenDuration } from '../duration.js';
import { describeValue } from '../errors.js';
import { limits } from '../policy.js';
import type { Dialect, NumberField, Word, WordField } from './dialect.js';
import { DialectError } from './dialect-error.js';
import type { Unit } from './units.js';

/** A value that a text has for a field. */
interface Found {
  /** `undefined` if the text leaves the number to what applies without the word. */
  readonly value: number | boolean | undefined;
  readonly word: string;
  /** Where the word stands in the text. */
  readonly index: number;
}

/** What a text says, by field. */
export type FoundWords = Readonly<Partial<Record<WordField, Found>>>;

const namesWithDots = /[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*/g;

/** Shorter names are too often near another. */
const leastLetters = 6;

/** One text that is read in one dialect. */
class Reading {
  readonly #dialect: Dialect;
  readonly #plain: string;
  readonly #names: ReadonlyMap<string, Word>;
  readonly #found: Partial<Record<WordField, Found>> = {};
  readonly #others = new Set<string>();

  constructor(dialect: Dialect, text: string) {
    const { comment, ignoresCase, words } = dialect;
    const cased = (name: string) => (ignoresCase ? name.toLowerCase() : name);
    this.#dialect = dialect;
    const blank = (match: string) => match.replace(/[^\n]/g, ' ');
    this.#plain = comment === undefined ? text : text.replace(comment, blank);
    this.#names = new Map(words.map((word) => [cased(word.word), word]));
  }

  read(): FoundWords {
    const { token = namesWithDots, ignoresCase } = this.#dialect;
    let isFound = false;
    for (const { 0: name, index } of this.#plain.matchAll(token)) {
      const word = this.#names.get(ignoresCase ? name.toLowerCase() : name);
      if (word === undefined) this.#refuseNearMiss(name, index);
      else isFound = this.#readWord(word, index, index + name.length) || isFound;
    }
    if (isFound) return this.#found;
    const { name, title, words } = this.#dialect;
    const known = words.filter(({ isReadOnly }) => !isReadOnly).map(({ word }) => word);
    const allowed = `text with ${known.join(', ')}`;
    throw new DialectError(name, `this text has none of the words of ${title}: ${known.join(', ')}`, { allowed });
  }

  #lineAt(index: number): number {
    return this.#plain.slice(0, index).split('\n').length;
  }

  #fault(message: string, word: string, index: number, allowed: string): DialectError {
    return new DialectError(this.#dialect.name, message, { line: this.#lineAt(index), word, allowed });
  }

  #refuseNearMiss(name: string, index: number): void {
    if (name.length < leastLetters || this.#others.has(name)) return;
    const known = this.#dialect.words.map(({ word }) => word);
    const meant = closestName(name, known);
    if (meant === undefined) {
      this.#others.add(name);
      return;
    }
    const message = `unknown word ${describeValue(name)}; did you mean "${meant}"?`;
    throw this.#fault(message, name, index, `one of ${known.join(', ')}`);
  }

  /** Reads what follows a word. Returns whether it is a value. */
  #readWord(word: Word, index: number, end: number): boolean {
    if (!matchesAt(word.onlyBefore, this.#plain, end)) return false;
    word.value.lastIndex = end;
    const match = word.value.exec(this.#plain);
    if (match === null) {
      const rest = this.#plain.slice(end).split('\n', 1)[0]?.trim() ?? '';
      const got = rest === '' ? 'nothing' : describeValue(rest);
      throw this.#fault(`${word.word} must be followed by ${word.allowed}, got ${got}`, word.word, index, word.allowed);
    }
    for (const [field, unit] of Object.entries(word.says) as [WordField, Unit][]) {
      const text = match.groups?.[field];
      if (text !== undefined && text !== '')
        this.#keep(field, word.word, index, this.#valueOf(text, field, unit, word, index));
    }
    return true;
  }

  /** Returns the value that a variable is given elsewhere in the text, or the text if it is no variable. */
  #resolve(text: string): string {
    const name = /^&?([A-Za-z_]\w{0,60})$/.exec(text)?.[1];
    if (name === undefined) return text;
    const assignment = new RegExp(String.raw`\b${name}\b\s*(?::\s*\w+\s*)?:?=(?!=)\s*([^;,\n]+)`);
    return assignment.exec(this.#plain)?.[1]?.trim() ?? text;
  }

  #valueOf(text: string, field: WordField, unit: Unit, word: Word, index: number): Found['value'] {
    const special = unit.special?.[text];
    if (special === 'off') return this.#keep('enabled', word.word, index, false);
    if (special === 'unsaid') return undefined;
    const value = unit.read(text) ?? unit.read(this.#resolve(text));
    const isRight = typeof value === 'boolean' || (value !== undefined && isSettable(field as NumberField, value));
    if (isRight) return value;
    const range = field === 'enabled' || value === undefined ? '' : ` that is ${limits[field].allowed}`;
    const allowed = `${unit.allowed}${range}`;
    throw this.#fault(`${word.word} must be ${allowed}, got ${describeValue(text)}`, word.word, index, allowed);
  }

  #keep(field: WordField, word: string, index: number, value: Found['value']): undefined {
    const before = this.#found[field];
    const isOther = before !== undefined && before.value !== value;
    if (isOther && !(this.#dialect.isLastValid && before.word === word)) {
      const shown = (found: Found['value']) =>
        typeof found === 'number' && field !== 'count' ? spokenDuration(found) : String(found ?? 'left out');
      const message = `${word} is ${shown(value)}, but ${before.word} in line ${this.#lineAt(before.index)} is ${shown(before.value)}; pass one policy at a time`;
      throw this.#fault(message, word, index, 'the same value as before');
    }
    this.#found[field] = { value, word, index };
  }
}

/** Returns whether a sticky expression matches at an index; true without an expression. */
function matchesAt(expression: RegExp | undefined, text: string, index: number): boolean {
  if (expression === undefined) return true;
  expression.lastIndex = index;
  return expression.test(text);
}

function isSettable(field: NumberField, value: number): boolean {
  const { min, max, step } = limits[field];
  return value >= min && value <= max && value % step === 0;
}

/**
 * Reads the words of a dialect in a text. Passes over everything else.
 *
 * @throws {DialectError} if the text has no such word, a word without a valid value, a word that is nearly known, or two
 * different values for one number.
 */
export function readWords(dialect: Dialect, text: string): FoundWords {
  return new Reading(dialect, text).read();
}
