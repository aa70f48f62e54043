/** Whether a key is a pattern for several: systemd asks for one of these characters; braces alone do not make one. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/** More alternatives than this are not followed: braces multiply. */
const maxAlternatives = 256;

/** PATH_MAX: nothing so long is a path. */
const maxLength = 4096;

/** What a pattern with braces, `{a,b}c`, stands for: `ac` and `bc`. */
function expandBraces(pattern: string): string[] {
  const finished: string[] = [];
  const open = [pattern];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    // The innermost pair first, so that braces within braces come out right.
    const match = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(text);
    const [, before = '', inside = '', after = ''] = match ?? [];
    if (match === null) finished.push(text);
    else for (const alternative of inside.split(',')) open.push(before + alternative + after);
    if (finished.length + open.length > maxAlternatives) return finished;
  }
  return finished;
}

type Matcher = 'any' | ((character: string) => boolean);

const namedClasses: Readonly<Record<string, string>> = {
  ...{ alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', lower: 'a-z', upper: 'A-Z' },
  ...{ xdigit: 'A-Fa-f0-9', punct: '!-\\/:-@\\[-`{-~', space: '\\s', blank: ' \\t' },
};

/** `[a-z]`, `[!a-z]`, `[[:alpha:]_]`; `undefined` where the bracket is not closed, and stands for itself. */
function readBracket(text: string, start: number): { matcher: Matcher; end: number } | undefined {
  const match = /^\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]/.exec(text.slice(start));
  if (match === null) return undefined;
  const [whole, negation, content = ''] = match;
  const characters = content.replace(/\[:([a-z]+):\]|[\\\]^[]/g, (part, name: string | undefined) =>
    name === undefined ? `\\${part}` : (namedClasses[name] ?? ''),
  );
  try {
    const set = new RegExp(`[${negation === '' ? '' : '^'}${characters}]`);
    return { matcher: (character) => set.test(character), end: start + whole.length };
  } catch {
    // A range in the wrong order matches nothing.
    return { matcher: () => false, end: start + whole.length };
  }
}

function readMatchers(pattern: string): Matcher[] {
  const matchers: Matcher[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const bracket = pattern[at] === '[' ? readBracket(pattern, at) : undefined;
    if (bracket !== undefined) {
      matchers.push(bracket.matcher);
      at = bracket.end - 1;
    } else if (pattern[at] === '*') matchers.push('any');
    else if (pattern[at] === '?') matchers.push(() => true);
    else {
      if (pattern[at] === '\\' && at + 1 < pattern.length) at += 1;
      const expected = pattern[at];
      matchers.push((character) => character === expected);
    }
  }
  return matchers;
}

/** Matches one part of a path, in time that is at worst the product of the two lengths. */
function matchesPart(pattern: string, text: string): boolean {
  const matchers = readMatchers(pattern);
  let at = 0;
  let star = -1;
  let starTook = 0;
  let next = 0;
  while (at < text.length) {
    const matcher = matchers[next];
    if (matcher === 'any') {
      star = next;
      starTook = at;
      next += 1;
    } else if (matcher?.(text[at] as string)) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      starTook += 1;
      at = starTook;
      next = star + 1;
    } else return false;
  }
  return matchers.slice(next).every((matcher) => matcher === 'any');
}

/** Whether a pattern of a configuration file, as a path below /proc/sys, stands for a sysctl: glob(7) with braces. */
export function matchesPattern(pattern: string, path: string): boolean {
  if (pattern.length > maxLength) return false;
  const parts = path.split('/');
  return expandBraces(pattern).some((alternative) => {
    const patterns = alternative.split('/').filter((part) => part !== '');
    return patterns.length === parts.length && patterns.every((part, index) => matchesPart(part, parts[index] ?? ''));
  });
}
