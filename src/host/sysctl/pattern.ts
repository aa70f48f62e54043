/** Returns whether a key is a pattern for several: systemd asks for one of these characters; braces alone make none. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/** More alternatives than this are not followed: braces multiply. */
const maxAlternatives = 256;

/** PATH_MAX: no path is as long. */
const maxLength = 4096;

/** Returns the patterns that a pattern with braces stands for: `ac` and `bc` for `{a,b}c`. */
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

const namedClasses: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  lower: 'a-z',
  upper: 'A-Z',
  xdigit: 'A-Fa-f0-9',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  blank: ' \\t',
};

/** The tokens of a pattern: an escaped character, `[a-z]`, `[!a-z]`, `[[:alpha:]_]`, `*`, `?` or a character. */
const tokens = /\\(.)|\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]|(.)/gs;

/** Returns a regular expression for the set of characters between brackets; undefined if it holds a wrong range. */
function setOf(negation: string, content: string): RegExp | undefined {
  const characters = content.replace(/\[:([a-z]+):\]|[\\\]^[]/g, (part, name: string | undefined) =>
    name === undefined ? `\\${part}` : (namedClasses[name] ?? ''),
  );
  try {
    return new RegExp(`[${negation === '' ? '' : '^'}${characters}]`);
  } catch {
    return undefined;
  }
}

/** Matches one part of a path. Keeps the lengths of the text that the tokens so far match: no pattern makes it slow. */
function matchesPart(pattern: string, text: string): boolean {
  let lengths = [0];
  for (const [token, escaped, negation, content = '', plain = escaped] of pattern.matchAll(tokens)) {
    const [shortest] = lengths;
    if (shortest === undefined) return false;
    const set = negation === undefined ? undefined : setOf(negation, content);
    const isOne = (at: number) => {
      if (at >= text.length) return false;
      return negation === undefined ? token === '?' || text[at] === plain : set?.test(text[at] as string) === true;
    };
    if (token === '*') lengths = Array.from({ length: text.length + 1 - shortest }, (_, more) => shortest + more);
    else lengths = lengths.filter(isOne).map((length) => length + 1);
  }
  return lengths.includes(text.length);
}

/** Returns whether a pattern, as a path below /proc/sys, stands for a sysctl: glob(7) with braces. */
export function matchesPattern(pattern: string, path: string): boolean {
  if (pattern.length > maxLength) return false;
  const parts = path.split('/');
  return expandBraces(pattern).some((alternative) => {
    const patterns = alternative.split('/').filter((part) => part !== '');
    return patterns.length === parts.length && patterns.every((part, index) => matchesPart(part, parts[index] ?? ''));
  });
}
