import { pathOfKey } from './keys.js';

/** A line of a file's text, without what ends it. */
export interface Line {
  readonly text: string;
  /** The characters that end it, '' for a last line that nothing ends. */
  readonly ending: string;
}

/** A setting that a line holds: `key = value`, or `-key`, which keeps patterns from the key. */
export interface Setting {
  /** The key as a path below /proc/sys; may be a pattern. */
  readonly path: string;
  /** The key as it was written. */
  readonly key: string;
  /** `null` for an exclusion. */
  readonly value: string | null;
  /** Where in the line the value begins. */
  readonly valueStart: number;
}

/** The lines of a text; joined again, with their endings, they are the text. */
export function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  // systemd ends a line at each of these.
  for (const [, line = '', ending = ''] of text.matchAll(/([^\r\n\0]*)(\r\n|\n\r|[\r\n\0]|$)/g)) {
    if (line !== '' || ending !== '') lines.push({ text: line, ending });
  }
  return lines;
}

const blanks = /^[ \t]+|[ \t]+$/g;

/** What a line sets; `undefined` for a comment, an empty line and what is no assignment. */
export function readSetting(line: string): Setting | undefined {
  const content = line.replace(blanks, '');
  if (content === '' || content.startsWith('#') || content.startsWith(';')) return undefined;
  const equals = line.indexOf('=');
  const hasDash = content.startsWith('-');
  if (equals === -1 && !hasDash) return undefined;
  const left = (equals === -1 ? line : line.slice(0, equals)).replace(blanks, '');
  const key = (hasDash ? left.slice(1) : left).replace(blanks, '');
  const path = pathOfKey(key);
  if (path === '') return undefined;
  if (equals === -1) return { path, key, value: null, valueStart: line.length };
  const value = line.slice(equals + 1).replace(blanks, '');
  const blank = /^[ \t]*/.exec(line.slice(equals + 1))?.[0].length ?? 0;
  return { path, key, value, valueStart: equals + 1 + blank };
}
