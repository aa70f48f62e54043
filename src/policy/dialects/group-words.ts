import type { WordField } from './dialect.js';

/** A value that a text has for a field. */
export interface Found {
  readonly field: WordField;
  /** `undefined` if the text leaves the number to what applies without the word. */
  readonly value: number | boolean | 'kernel' | 'off' | undefined;
  readonly word: string;
  /** Where the word stands in the text. */
  readonly index: number;
  /** Whether the word says a whole policy each time: whether keepalive is on, and numbers. */
  readonly isWhole: boolean;
  /** The connections that the word is for, if the system has words for several kinds of connections. */
  readonly side: string | undefined;
}

/** What a text says of one policy, by field. */
export type FoundWords = Readonly<Partial<Record<WordField, Found>>>;

/** Returns whether a value is the first of its field, or the same as before. */
function doesAgree(values: Map<WordField, Found['value']>, { field, value }: Found): boolean {
  const isSame = !values.has(field) || values.get(field) === value;
  values.set(field, value);
  return isSame;
}

/** Returns whether a group has the same word from elsewhere in the text. */
function hasOther(group: FoundWords, { word, index }: Found): boolean {
  return Object.values(group).some((each) => each.word === word && each.index !== index);
}

/** Returns whether words turn keepalive off. */
export function isOff(group: FoundWords): boolean {
  return group.enabled?.value === false || Object.values(group).some(({ value }) => value === 'off');
}

/** Returns the policies of one side. A policy begins where a field is said again, unless all say the same. */
function groupsOf(found: readonly Found[], isLastValid: boolean): FoundWords[] {
  let group: Partial<Record<WordField, Found>> = {};
  const groups = [group];
  for (const each of found) {
    const before = group[each.field];
    const isReplaced = before !== undefined && isLastValid && before.word === each.word;
    // Each connection of a program is turned on, not each with other numbers.
    const isRepeated = each.field === 'enabled' && before?.value === each.value;
    const isAgain = before !== undefined && before.index !== each.index && !isReplaced && !isRepeated;
    const isNext = isAgain || (each.isWhole && hasOther(group, each));
    if (isNext) {
      group = {};
      groups.push(group);
    }
    group[each.field] = each;
  }
  const all = groups.flatMap((each) => Object.values(each));
  const values = new Map<WordField, Found['value']>();
  const isOne = all.map((each) => doesAgree(values, each)).every(Boolean);
  if (isOne && new Set(groups.map(isOff)).size === 1) return [Object.assign({}, ...groups)];
  const switches = all.filter(({ field }) => field === 'enabled');
  const isOneSwitch = new Set(switches.map(({ value }) => value)).size === 1;
  if (!isOneSwitch) return groups;
  const inherit = (each: FoundWords) =>
    Object.values(each).some(({ isWhole }) => isWhole) ? {} : { enabled: switches[0] as Found };
  return groups.map((each) => ({ ...inherit(each), ...each }));
}

/** Returns the policies that words say, in their order. Words without a side are for each side. */
export function groupWords(found: readonly Found[], isLastValid = false): FoundWords[] {
  const sides = new Set(found.flatMap(({ side }) => side ?? []));
  if (sides.size < 2) return groupsOf(found, isLastValid);
  return [...sides].flatMap((side) =>
    groupsOf(
      found.filter((each) => each.side === undefined || each.side === side),
      isLastValid,
    ),
  );
}
