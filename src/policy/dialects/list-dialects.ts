import { type Dialect, type NumberField, type WordField, wordFields } from './dialect.js';
import { dialectNamed, dialectNames } from './dialects.js';
import { sayableFields } from './in-force.js';

/** What a system says in its words, and what it cannot say. */
export interface DialectFacts {
  readonly name: string;
  /** The system, and the connections that its words are for. */
  readonly title: string;
  /** Where its text goes. */
  readonly place: string;
  /** The pages or sources that the facts come from. */
  readonly source: string;
  /** The date of the last check of the facts. */
  readonly checked: string;
  /** What no source confirms. */
  readonly unsure: readonly string[];
  readonly words: readonly {
    readonly word: string;
    readonly says: readonly { readonly field: WordField; readonly unit: string }[];
  }[];
  readonly cannotSay: readonly { readonly field: NumberField | 'off'; readonly why: string }[];
}

/** Returns the reason for any policy. */
const reasonOf = (reason: string | ((policy: string) => string)) =>
  typeof reason === 'string' ? reason : reason('30:5:3:auto');

const checked = '2026-11-27';

function factsOf(dialect: Dialect): DialectFacts {
  const { name, title, place, source, unsure = [], words, unsaid, noUserTimeout = '', off } = dialect;
  const sayable = sayableFields(dialect);
  const missing = wordFields.flatMap((field) => {
    if (field === 'enabled' || sayable.has(field)) return [];
    return [{ field, why: field === 'userTimeout' ? reasonOf(noUserTimeout) : unsaid[field].why }];
  });
  return {
    ...{ name, title, place, source, checked, unsure },
    words: words
      .filter(({ isReadOnly, says }) => !isReadOnly && Object.keys(says).length > 0)
      .map(({ word, says }) => ({
        word,
        says: wordFields.flatMap((field) => (says[field] === undefined ? [] : [{ field, unit: says[field].name }])),
      })),
    cannotSay: 'never' in off ? [...missing, { field: 'off', why: off.never }] : missing,
  };
}

/** Returns the systems that `exportPolicy` and `importPolicy` know, with their words and what they cannot say. */
export function listDialects(): DialectFacts[] {
  return dialectNames.map((name) => factsOf(dialectNamed(name)));
}
