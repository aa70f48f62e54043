import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const projectRoot = path.resolve(import.meta.dirname, '../..');

/** A fenced code block of a document. */
export interface Block {
  /** Relative to the project. */
  readonly file: string;
  /** The line of the opening fence, counted from 1. */
  readonly line: number;
  /** The first word after the fence, '' when there is none. */
  readonly language: string;
  readonly code: string;
  /** What its output must contain: one entry for each `<!-- expects: ... -->` above it. */
  readonly expects: readonly string[];
  /** The exit codes that a shell block may end with, from `<!-- exits: ... -->` above it; 0 without one. */
  readonly exits: readonly number[];
  /** From `<!-- name: ... -->` above it, for tests that look a block up. */
  readonly name: string | undefined;
}

export function titleOf({ file, line, language }: Block): string {
  return `${file}:${line} ${language || 'no language'}`;
}

const fence = /^(?<indent>\s*)(?<marks>`{3,}|~{3,})\s*(?<language>[^\s`{]*)[^`]*$/;
const comment = /^\s*<!--\s*(?<key>expects|exits|name):\s*(?<value>.*?)\s*-->\s*$/;

/** The `key: value` comments directly above a fence, in their order; blank lines do not separate. */
function commentsAbove(lines: readonly string[], fenceIndex: number): { key: string; value: string }[] {
  const found = [];
  for (let index = fenceIndex - 1; index >= 0; index -= 1) {
    const line = lines[index] as string;
    const groups = comment.exec(line)?.groups;
    if (groups !== undefined) found.unshift({ key: groups['key'] as string, value: groups['value'] as string });
    else if (line.trim() !== '') break;
  }
  return found;
}

function closingIndex(lines: readonly string[], openIndex: number, marks: string, file: string): number {
  const closing = new RegExp(`^\\s*${marks[0] === '`' ? '`' : '~'}{${marks.length},}\\s*$`);
  const index = lines.findIndex((line, at) => at > openIndex && closing.test(line));
  if (index === -1) throw new Error(`${file}:${openIndex + 1}: this code block is never closed`);
  return index;
}

/**
 * The fenced code blocks of a Markdown text.
 *
 * @throws when a block is not closed: it would swallow the rest of the document.
 */
export function extractBlocks(markdown: string, file: string): Block[] {
  const lines = markdown.split(/\r?\n/);
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const groups = fence.exec(lines[index] as string)?.groups;
    if (groups === undefined) continue;
    const end = closingIndex(lines, index, groups['marks'] as string, file);
    const indent = new RegExp(`^\\s{0,${(groups['indent'] as string).length}}`);
    const comments = commentsAbove(lines, index);
    blocks.push({
      file,
      line: index + 1,
      language: groups['language'] as string,
      code: lines
        .slice(index + 1, end)
        .map((line) => `${line.replace(indent, '')}\n`)
        .join(''),
      expects: comments.filter(({ key }) => key === 'expects').map(({ value }) => value),
      exits: (comments.find(({ key }) => key === 'exits')?.value ?? '0').split(' ').map(Number),
      name: comments.find(({ key }) => key === 'name')?.value,
    });
    index = end;
  }
  return blocks;
}

/** The Markdown files of a directory of the project, relative to the project. */
function documentsIn(directory: string, recursive: boolean): string[] {
  const absolute = path.join(projectRoot, directory);
  if (!existsSync(absolute)) return [];
  const files = readdirSync(absolute, { recursive, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
  return files.sort().map((file) => path.join(directory, file));
}

/** Every block of the documents at the project's root, in docs/ and in examples/. */
export function projectBlocks(): Block[] {
  const files = [...documentsIn('.', false), ...documentsIn('docs', true), ...documentsIn('examples', true)];
  return files.flatMap((file) => extractBlocks(readFileSync(path.join(projectRoot, file), 'utf8'), file));
}

/** The block of a document that `<!-- name: ... -->` names. */
export function namedBlock(file: string, name: string): Block {
  const block = projectBlocks().find((candidate) => candidate.file === file && candidate.name === name);
  if (block === undefined) throw new Error(`${file} has no code block under <!-- name: ${name} -->`);
  return block;
}
