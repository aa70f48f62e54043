/**
 * A pattern in which `*` stands for any text and `?` for one character; without either it must match exactly.
 *
 * There is nothing to escape: a backslash, which the names of systemd's units contain, is itself. Whatever the text is, matching
 * takes time in proportion to its length: a lookahead is never tried a second time, so each part is looked for once.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const parts = pattern.split(/\*+/).map((part) => part.replace(/[.+^${}()|[\]\\/]/g, '\\$&').replaceAll('?', '.'));
  const [first = '', ...others] = parts;
  const last = others.pop();
  const between = others.map((part, index) => `(?=(.*?${part}))\\${index + 1}`);
  const expression = new RegExp(`^${first}${last === undefined ? '' : `${between.join('')}.*${last}`}$`, 'su');
  return (text) => expression.test(text);
}

/** Returns whether a text matches one of several patterns. */
export function anyGlobMatcher(patterns: readonly string[]): (text: string) => boolean {
  const matchers = patterns.map(globMatcher);
  return (text) => matchers.some((matches) => matches(text));
}
