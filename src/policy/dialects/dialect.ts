import type { Unit } from './units.js';

/** The parts of a policy that words of other systems say. */
export const wordFields = ['enabled', 'idle', 'interval', 'count', 'userTimeout'] as const;

/** A part of a policy that a word of another system says. */
export type WordField = (typeof wordFields)[number];

/** A number of a policy that a word of another system says. */
export type NumberField = Exclude<WordField, 'enabled'>;

/** The numbers of a policy in milliseconds; without a user timeout it stays as it is. */
export interface Numbers {
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
  readonly userTimeout?: number;
}

/** A word of another system, and what it says. */
export interface Word {
  readonly word: string;
  /** The unit of each part of a policy that the word says. */
  readonly says: { readonly [Field in WordField]?: Unit };
  /** Matches what follows the word. Has a group for each field that the word says. */
  readonly value: RegExp;
  /** How an error says what has to follow the word. */
  readonly allowed: string;
  /** Another spelling, which is read but never written. */
  readonly isReadOnly?: true;
  /** Tells the word from other things of the same name: without a match where the word ends, it is passed over. */
  readonly onlyBefore?: RegExp;
  /**
   * The name whose braces the word stands in, if the text has the name: `{count: 3}` of another object is passed over. Several
   * names have `|` between them.
   */
  readonly onlyIn?: string;
  /** How text turns keepalive on, if this word alone does not. */
  readonly turnedOnBy?: string;
  /** What applies for the numbers that a text with this word does not say. Default: what the dialect has. */
  readonly unsaid?: Dialect['unsaid'];
}

/** What applies for a number that the text does not say. */
export interface Unsaid {
  /** Its reason, as the end of a sentence: `Redis uses a third of tcp-keepalive`. */
  readonly why: string;
  /** The number. `kernel` is the kernel's own default; `off` means that the system does nothing without the number. */
  readonly value: (said: Partial<Numbers>) => number | 'kernel' | 'off';
}

/** The texts of a policy's numbers, each in the unit of its word. */
export type Texts = Readonly<Record<NumberField, string | undefined>>;

/** The configuration language of a system: its words, what it cannot say, and where its text goes. */
export interface Dialect {
  readonly name: string;
  /** The system, and the connections that its words are for. */
  readonly title: string;
  /** Where the text goes. */
  readonly place: string;
  /** The pages or sources that the facts come from. */
  readonly source: string;
  /** What no source confirms. */
  readonly unsure?: readonly string[];
  readonly words: readonly Word[];
  /** What the system ignores. */
  readonly comment?: RegExp;
  /** Whether the text is code, whose names have no hyphens and dots, and whose values can be variables. */
  readonly isCode?: true;
  /** Whether the system takes words in any letter case. */
  readonly ignoresCase?: true;
  /** Returns the connections that a word is for, after the start of its line, if some words are for others than other words. */
  readonly sideOf?: (word: string, before: string) => 'clients' | 'servers' | undefined;
  /** Whether the last of several values of a word counts. Default: several values are several policies. */
  readonly isLastValid?: true;
  /** How text turns keepalive on, if its numbers alone do not; null if only the program does. */
  readonly turnedOnBy?: string | null;
  /** Why the kernel's numbers apply unless the text says idle and leaves no number to the kernel, if they do. */
  readonly allOrNone?: string;
  readonly unsaid: Readonly<Record<'idle' | 'interval' | 'count', Unsaid>>;
  /** Why the text has no user timeout, if no word says it; for a policy, if the reason quotes it. */
  readonly noUserTimeout?: string | ((policy: string) => string);
  /** The numbers that the words say for a policy, if they have another meaning than those of a policy, and why. */
  readonly fit?: { readonly why: string; readonly numbers: (policy: Numbers) => Numbers };
  /** The text that turns keepalive off, or why no text does. */
  readonly off: { readonly text: string } | { readonly never: string };
  /** What else there is to know. */
  readonly notes: readonly string[];
  /** Returns the text that states a policy. */
  readonly write: (texts: Texts) => string;
}

const byKernel: Unsaid = { why: "the kernel's own applies", value: () => 'kernel' };

/** What applies where the kernel's defaults do. */
export const kernelsOwn = { idle: byKernel, interval: byKernel, count: byKernel } as const;

/** Returns what applies if a program has a number of its own. */
export function always(number: number, why: string): Unsaid {
  return { why, value: () => number };
}

/** Returns lines, of which those without a number are left out. */
export function lines(...of: readonly (string | false | undefined)[]): string {
  return of
    .filter((line) => line !== undefined && line !== false)
    .map((line) => `${line}\n`)
    .join('');
}

/** Returns a line for a number, or undefined if the policy does not state it. */
export function line(text: string | undefined, write: (text: string) => string): string | undefined {
  return text === undefined ? undefined : write(text);
}

/** Numbers and names, without quotes around them. */
const plainValue = String.raw`[^\s"',;&#)}\]]+`;

/** Returns a word with one value after it in the same line: `word = 30`, `word = "30"`. */
export function word(
  name: string,
  field: WordField,
  unit: Unit,
  { separator = '[ \\t]*=[ \\t]*', value = plainValue, onlyBefore, onlyIn, isReadOnly }: WordForm = {},
): Word {
  return {
    word: name,
    says: { [field]: unit },
    value: new RegExp(`${separator}["']?(?<${field}>${value})["']?`, 'y'),
    allowed: unit.allowed,
    ...(isReadOnly && { isReadOnly }),
    ...(onlyIn !== undefined && { onlyIn }),
    ...(onlyBefore !== undefined && { onlyBefore: new RegExp(onlyBefore, 'y') }),
  };
}

/** How a word and its value are written. */
export interface WordForm {
  /** The source of a regular expression for what stands between word and value. Default: `=`. */
  readonly separator?: string;
  /** The source of a regular expression for the value. Default: text without spaces. */
  readonly value?: string;
  readonly isReadOnly?: true;
  readonly onlyIn?: string;
  /** The source of a regular expression for what follows the word, if other things have the same name. */
  readonly onlyBefore?: string;
}
