import { closestName } from '../closest-name.js';
import { describeValue } from '../errors.js';
import { limits } from '../policy.js';
import type { Dialect, NumberField, Word, WordField } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { type Found, type FoundWords, groupWords } from './group-words.js';
import type { Unit } from './units.js';

/** Ends with a letter or a digit. Repeats no group, which would run out of stack on a long name. */
const namesWithDots = /[A-Za-z_](?:[\w.-]*\w)?/g;
const namesOfCode = /[A-Za-z_]\w*/g;

/** What each number can be. */
const ranges: Readonly<Record<NumberField, string>> = {
  idle: limits.idle.allowed,
  interval: limits.interval.allowed,
  count: limits.count.allowed,
  userTimeout: 'from 0 (off) to 2147483647 ms',
};

/** Shorter names are too often near another. */
const leastLetters = 6;

/** One text that is read in one dialect. */
class Reading {
  readonly #dialect: Dialect;
  readonly #plain: string;
  readonly #names: ReadonlyMap<string, Word>;
  readonly #found: Found[] = [];
  /** The word that is nearly each other name of the text, if there is one. */
  readonly #meant = new Map<string, Word | undefined>();
  readonly #variables = new Map<string, string>();
  /** Where the braces of a name are open; undefined if the text does not have the name. */
  readonly #braces = new Map<string, RegExp | undefined>();

  readonly #elsewhere: () => string;

  constructor(dialect: Dialect, text: string, elsewhere: () => string) {
    const { comment, words } = dialect;
    this.#dialect = dialect;
    this.#elsewhere = elsewhere;
    const blank = (match: string) =>
      match
        .split('\n')
        .map(({ length }) => ' '.repeat(length))
        .join('\n');
    this.#plain = comment === undefined ? text : text.replace(comment, blank);
    this.#names = new Map(words.map((word) => [this.#cased(word.word), word]));
  }

  read(): FoundWords[] {
    let isFound = false;
    for (const { 0: name, index } of this.#plain.matchAll(this.#dialect.isCode ? namesOfCode : namesWithDots)) {
      const word = this.#names.get(this.#cased(name));
      if (word === undefined) this.#refuseNearMiss(name, index);
      else isFound = this.#readWord(word, index, index + name.length) || isFound;
    }
    if (isFound) return groupWords(this.#found, this.#dialect.isLastValid);
    const { name, title, words } = this.#dialect;
    const known = words.filter(({ isReadOnly }) => !isReadOnly).map(({ word }) => word);
    const allowed = `text with ${known.join(', ')}`;
    throw new DialectError(
      name,
      `this text has none of the words of ${title}: ${known.join(', ')}${this.#elsewhere()}`,
      { allowed },
    );
  }

  #cased(name: string): string {
    return this.#dialect.ignoresCase ? name.toLowerCase() : name;
  }

  #fault(message: string, word: string, index: number, allowed: string): DialectError {
    return new DialectError(this.#dialect.name, message, { line: lineAt(this.#plain, index), word, allowed });
  }

  #refuseNearMiss(name: string, index: number): void {
    if (name.length < leastLetters) return;
    if (!this.#meant.has(name)) {
      const closest = closestName(this.#cased(name), [...this.#names.keys()]);
      this.#meant.set(name, closest === undefined ? undefined : this.#names.get(closest));
    }
    const meant = this.#meant.get(name);
    if (meant === undefined || !this.#isMeant(meant, index + name.length)) return;
    const message = `unknown word ${describeValue(name)}; did you mean "${meant.word}"?`;
    const known = this.#dialect.words.map(({ word }) => word);
    throw this.#fault(message, name, index, `one of ${known.join(', ')}`);
  }

  /** Returns whether a word that ends at an index is not something else of the same name. */
  #isMeant({ onlyBefore, onlyIn }: Word, end: number): boolean {
    if (onlyIn !== undefined && !this.#braces.has(onlyIn)) {
      const open = new RegExp(String.raw`(?<=\b(?:${onlyIn})\s*\(?\s*\{[^{}]{0,300})`, 'y');
      this.#braces.set(onlyIn, new RegExp(onlyIn).test(this.#plain) ? open : undefined);
    }
    const open = onlyIn === undefined ? undefined : this.#braces.get(onlyIn);
    return matchesAt(onlyBefore, this.#plain, end) && matchesAt(open, this.#plain, end);
  }

  /** Reads what follows a word. Returns whether it is a value. */
  #readWord(word: Word, index: number, end: number): boolean {
    if (!this.#isMeant(word, end)) return false;
    word.value.lastIndex = end;
    const match = word.value.exec(this.#plain);
    if (match === null) {
      const rest = this.#plain.slice(end).split('\n', 1)[0]?.trim() ?? '';
      const got = rest === '' ? 'nothing' : describeValue(rest);
      const hint = this.#dialect.isCode ? '' : this.#elsewhere();
      throw this.#fault(
        `${word.word} must be followed by ${word.allowed}, got ${got}${hint}`,
        word.word,
        index,
        word.allowed,
      );
    }
    for (const [field, unit] of Object.entries(word.says) as [WordField, Unit][]) {
      const text = match.groups?.[field];
      if (text !== undefined && text !== '')
        this.#keep(field, word, index, this.#valueOf(text, field, unit, word, index));
    }
    return true;
  }

  /** Returns the value that a variable of code is given elsewhere in the text, or the text if it is no variable. */
  #resolve(text: string): string {
    const name = this.#dialect.isCode && /^&?([A-Za-z_]\w{0,60})$/.exec(text)?.[1];
    if (!name) return text;
    const known = this.#variables.get(name);
    if (known !== undefined) return known;
    const assignment = new RegExp(String.raw`\b${name}\b\s*(?::\s*\w+\s*)?:?=(?!=)\s*([^;,\n]+)`);
    const value = assignment.exec(this.#plain)?.[1]?.trim() ?? text;
    this.#variables.set(name, value);
    return value;
  }

  #valueOf(text: string, field: WordField, unit: Unit, word: Word, index: number): Found['value'] {
    const value = readValue(unit, text) ?? readValue(unit, this.#resolve(text));
    if (typeof value === 'string') return value === 'unsaid' ? undefined : value;
    const isRight = typeof value === 'boolean' || (value !== undefined && isSettable(field as NumberField, value));
    if (isRight) return value;
    const inUnit = unit.name === 'milliseconds' && field !== 'userTimeout' ? ', in milliseconds' : '';
    const allowed =
      field === 'enabled' || value === undefined ? unit.allowed : `${ranges[field as NumberField]}${inUnit}`;
    throw this.#fault(`${word.word} must be ${allowed}, got ${describeValue(text)}`, word.word, index, allowed);
  }

  #keep(field: WordField, { word, says }: Word, index: number, value: Found['value']): void {
    const side = this.#dialect.sideOf?.(word, lineBefore(this.#plain, index));
    const isWhole = says.enabled !== undefined && says.idle !== undefined;
    this.#found.push({ field, value, word, index, isWhole, side });
  }
}

/** Returns the value of a text; undefined for what the system would not take. */
function readValue({ read, special }: Unit, text: string): ReturnType<Unit['read']> {
  return special !== undefined && Object.hasOwn(special, text) ? special[text] : read(text);
}

/** Returns the line of an index, counted from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** The longest start of a line that is looked at. */
const longestStart = 200;

/** Returns what stands before an index in the same line. */
function lineBefore(text: string, index: number): string {
  const start = text.slice(Math.max(0, index - longestStart), index);
  return start.slice(start.lastIndexOf('\n') + 1);
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
 * Reads the words of a dialect in a text, and returns each policy that they say. Passes over everything else.
 *
 * @param elsewhere Returns the end of an error about text that may be that of another system.
 * @throws {DialectError} if the text has no such word, a word without a valid value, or a word that is nearly known.
 */
export function readWords(dialect: Dialect, text: string, elsewhere = () => ''): FoundWords[] {
  return new Reading(dialect, text, elsewhere).read();
}
