import { keepAliveSysctls, pathOfKey } from './keys.js';

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

/** What a file's settings are to be: a number for each key that is to be there. */
export type WantedValues = ReadonlyMap<string, number>;

/** The value that decides within this text, where a line of its own sets the key last and no exclusion follows. */
function lastOwnLine(lines: readonly string[], path: string): number | undefined {
  const index = lines.findLastIndex((line) => readSetting(line)?.path === path);
  return index >= 0 && readSetting(lines[index] as string)?.value !== null ? index : undefined;
}

/**
 * A configuration file's text with the wanted values: the last assignment of each key gets its value in place, and
 * what is missing is added at the end. Every other character stays.
 *
 * Earlier assignments of the same key stay too: they lose, and they may carry somebody's reason.
 *
 * @param text One character a byte.
 */
export function editedText(text: string, wanted: WantedValues): string {
  const parts = splitLines(text).map((line) => ({ ...line }));
  const missing: string[] = [];
  for (const { key, path } of keepAliveSysctls) {
    const value = wanted.get(key);
    if (value === undefined) continue;
    const index = lastOwnLine(
      parts.map((part) => part.text),
      path,
    );
    const line = index === undefined ? undefined : parts[index];
    if (line === undefined) missing.push(`${key} = ${value}`);
    else {
      const { valueStart = 0 } = readSetting(line.text) ?? {};
      // The kernel reads no further than the first blank: what stands behind it is somebody's remark.
      const rest = line.text.slice(valueStart).replace(/^[^ \t]*/, '');
      line.text = line.text.slice(0, valueStart) + value + rest;
    }
  }
  const kept = parts.map((part) => part.text + part.ending).join('');
  if (missing.length === 0) return kept;
  const ending = parts[0]?.ending === '\r\n' ? '\r\n' : '\n';
  const gap = parts.length > 0 && parts.at(-1)?.ending === '' ? ending : '';
  return kept + gap + missing.map((line) => line + ending).join('');
}

/** The text of a new file. */
export function newText(wanted: WantedValues): string {
  const comment = [
    '# Keepalive of connections that turn it on without values of their own, in seconds and probes.',
    '# Written by tcp-keepalive; to take it back: tcp-keepalive defaults set --undo',
  ];
  return editedText(comment.map((line) => `${line}\n`).join(''), wanted);
}
