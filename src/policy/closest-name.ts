const mostLetters = 2;

/** Returns a bit for each letter of a name. Different letters may share one. */
function letterBits(name: string): number {
  let bits = 0;
  for (let at = 0; at < name.length; at += 1) bits |= 1 << (name.charCodeAt(at) & 31);
  return bits;
}

/** Returns whether one name has so many letters that the other lacks that no few changes turn one into the other. */
function areFar(from: number, to: number): boolean {
  let missing = from & ~to;
  for (let removed = 0; removed < mostLetters; removed += 1) missing &= missing - 1;
  return missing !== 0;
}

/** The letters that turn a part of one name into each part of the other. */
type Row = readonly number[];

/** Returns the row of the next letter of a name. */
function nextRow(from: string, to: string, row: number, [last, beforeLast]: readonly [Row, Row]): Row {
  const next = [row];
  for (let column = 1; column <= to.length; column += 1) {
    const isSame = from[row - 1] === to[column - 1];
    const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
    const replaced = (last[column - 1] ?? 0) + (isSame ? 0 : 1);
    const swapped = isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : replaced;
    next.push(Math.min((last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, replaced, swapped));
  }
  return next;
}

/**
 * Returns how many letters must be inserted, deleted, replaced or swapped to turn one name into the other. Stops when they are
 * too many: most names of a long text are like no other name.
 */
function distance(from: string, to: string): number {
  let beforeLast: Row = [];
  let last: Row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const next = nextRow(from, to, row, [last, beforeLast]);
    if (Math.min(...next) > mostLetters && Math.min(...last) > mostLetters) return Number.POSITIVE_INFINITY;
    beforeLast = last;
    last = next;
  }
  return last[to.length] ?? 0;
}

/** Returns the names that differ by at most two letters, the closest first. */
function closeNames(given: string, names: readonly string[]): string[] {
  const bits = letterBits(given);
  return names
    .filter((name) => Math.abs(name.length - given.length) <= mostLetters && !areFar(bits, letterBits(name)))
    .map((name) => ({ name, letters: distance(given, name) }))
    .filter(({ letters }) => letters <= mostLetters)
    .sort((a, b) => a.letters - b.letters)
    .map(({ name }) => name);
}

/** Returns the name that was probably meant; undefined if every name differs by more than two letters. */
export function closestName(given: string, names: readonly string[]): string | undefined {
  return closeNames(given, names)[0];
}

/** Returns the names that may have been meant: those that contain the given text, then the closest. */
export function nearestNames(given: string, names: readonly string[]): string[] {
  const containing = given === '' ? [] : names.filter((name) => name.includes(given));
  return [...new Set([...containing, ...closeNames(given, names)])];
}

/** Returns the question whether the closest name was meant; undefined if no name is close. */
export function didYouMean(given: string, names: readonly string[]): string | undefined {
  const closest = closestName(given, names);
  return closest === undefined ? undefined : `did you mean "${closest}"?`;
}
