import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { assertKnownNames, ConfigurationError } from '../../policy/configuration-error.js';

/** The parts of a configuration. */
export const fields = ['policy', 'mode', 'rules', 'summarySignal', 'native', 'deadAfter', 'destroy'] as const;

export type Field = (typeof fields)[number];

export type Content = { readonly [field in Field]?: unknown };

const maxBytes = 1024 * 1024;
const tooLarge = 'has more than 1 MB';

/** How a file was found: the environment names it, or it lies in the working directory. */
export type Found = 'named' | 'by chance';

/** A file that is not read. */
export interface Unread {
  /** Such as 'does not exist'. */
  readonly whyNot: string;
}

function whyNotReadable(stats: Stats, found: Found): string | undefined {
  if (stats.isSymbolicLink()) return 'is a symbolic link, which is not followed';
  if (!stats.isFile()) return 'is no regular file';
  if (stats.size > maxBytes) return tooLarge;
  const user = process.geteuid?.();
  const isForeign = found === 'by chance' && user !== undefined && stats.uid !== user && stats.uid !== 0;
  return isForeign ? `belongs to user ${stats.uid}, not to this user or root` : undefined;
}

/** Reads a file to its end; returns undefined if it is longer than {@link maxBytes}, because it may grow meanwhile. */
function readOpen(fd: number): string | undefined {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = readSync(fd, buffer, length, buffer.length - length, null);
  }
  return length > maxBytes ? undefined : buffer.toString('utf8', 0, length);
}

/** Reads a file's text. Never waits at a FIFO, opens a device, or follows a link that was found by chance. */
function readText(file: string, found: Found): string | Unread {
  const before = found === 'named' ? statSync(file) : lstatSync(file);
  const whyNotOpen = whyNotReadable(before, found);
  if (whyNotOpen !== undefined) return { whyNot: whyNotOpen };
  const noFollow = found === 'named' ? 0 : (constants.O_NOFOLLOW ?? 0);
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | noFollow);
  try {
    const whyNot = whyNotReadable(fstatSync(fd), found);
    return whyNot === undefined ? (readOpen(fd) ?? { whyNot: tooLarge }) : { whyNot };
  } finally {
    closeSync(fd);
  }
}

/** Returns where text stops being JSON. The error of `JSON.parse` is not shown: it quotes the text, which may be secret. */
function positionOf(error: unknown, text: string): string {
  const [, position] = /position (\d+)/.exec(String(error)) ?? [];
  if (position === undefined) return 'text that is not';
  const before = text.slice(0, Number(position)).split('\n');
  return `text that is not, from line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1} on`;
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(file, '', undefined, 'JSON', undefined, positionOf(error, text));
  }
}

/** Returns the kind of a value, in words that do not quote the value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value === null) return 'null';
  return { string: 'text', object: 'an object', number: 'a number', boolean: 'a boolean' }[typeof value as 'string'];
}

function checkContent(file: string, content: unknown): Content {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigurationError(file, '', undefined, `an object of ${fields.join(', ')}`, undefined, kindOf(content));
  }
  assertKnownNames(file, 'field', Object.keys(content), fields);
  return content;
}

/**
 * Reads a configuration file such as `tcp-keepalive.json`. A named file must be a regular file of at most 1 MB. A file that
 * was found by chance must also belong to this user or root, and must not be a link; otherwise it is not read.
 *
 * @throws {ConfigurationError} if a named file cannot be read, or the content of any file is wrong. The error does not quote
 * the content.
 */
export function readConfigurationFile(file: string, found: Found): Content | Unread {
  let text: string | Unread;
  try {
    text = readText(file, found);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    text = { whyNot: code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read (${code})` };
  }
  if (typeof text === 'string') return checkContent(file, parse(file, text));
  if (found === 'by chance') return text;
  const allowed = 'a regular file of at most 1 MB that can be read';
  throw new ConfigurationError(file, '', undefined, allowed, undefined, `one that ${text.whyNot}`);
}
