/**
 * Makes docs/api.md from the type declarations in dist/: what package.json exports, with the first paragraph of each
 * docstring. `node scripts/api-page.mjs` writes the page; `apiPage()` returns it for the test that compares them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSync } from 'oxc-parser';

const root = path.join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** The pages that explain the exports of each import, the one to prefer first. */
const pagesOf = {
  '.': [
    'set-a-policy',
    'servers',
    'whole-program',
    'watch-peers',
    'ask-a-peer',
    'predict-detection',
    'choose-a-policy',
    'export',
    'middleboxes',
    'kernel-defaults',
    'errors',
  ],
  './linux': ['linux-api', 'list-connections', 'set-running-programs', 'check-peers', 'kernel-defaults'],
  './testing': ['test-dead-peers'],
};

const parsed = new Map();

/** Reads a declaration file: its text, its statements, and its block comments by the offset at which they end. */
function read(file) {
  if (!parsed.has(file)) {
    const text = readFileSync(file, 'utf8');
    const { program, comments, errors } = parseSync(file, text);
    if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
    const blocks = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
    parsed.set(file, { file, text, body: program.body, blocks });
  }
  return parsed.get(file);
}

/** Returns the docstring directly above an offset, without its stars; '' if there is none. */
function docAbove({ text, blocks }, offset) {
  const block = blocks.findLast(({ end }) => end <= offset);
  if (block === undefined || text.slice(block.end, offset).trim() !== '') return '';
  return block.value
    .replace(/^\*/, '')
    .replace(/^[ \t]*\* ?/gm, '')
    .trim();
}

/** Splits a docstring into its first paragraph, its default, and what it throws. */
function readDoc(doc) {
  const [prose = '', ...tags] = doc.split(/^(?=@\w)/m);
  const lines = (text) =>
    text
      .replace(/\s+/g, ' ')
      .replace(/\{@link (\w+)\}/g, '`$1`')
      .trim();
  const tag = (name) =>
    tags.filter((text) => text.startsWith(`@${name} `)).map((text) => lines(text.slice(name.length + 2)));
  const summary = lines(prose.split('\n\n')[0] ?? '');
  const byProse = /Default: [^.]*(?:\.\d[^.]*)*\./.exec(lines(prose))?.[0] ?? '';
  const byTag = tag('default')[0];
  const fallback = byTag === undefined ? byProse : `Default: \`${byTag}\`.`;
  return {
    summary: summary.includes(fallback) ? summary : `${summary} ${fallback}`,
    throws: tag('throws').map((text) => text.replace(/^\{(\w+)\}/, '`$1`')),
  };
}

/** Members that a caller uses: no constructors, private fields, statics, or names that are symbols of this package. */
function isPublic({ key, kind, computed, static: isStatic }) {
  return (
    kind !== 'constructor' && !isStatic && key?.type !== 'PrivateIdentifier' && !(computed && key.type === 'Identifier')
  );
}

const fileOf = (from, { source }) => path.join(path.dirname(from), source.value.replace(/\.js$/, '.d.ts'));

/** The declarations of a name in a file, or in the file that it takes the name from; overloads in their order. */
function declarationsOf(file, name) {
  const module = read(file);
  const own = module.body.flatMap((statement) => {
    const declaration = statement.declaration ?? statement;
    const names = declaration.declarations?.map(({ id }) => id.name) ?? [declaration.id?.name];
    return names.includes(name) ? [{ module, statement, declaration }] : [];
  });
  if (own.length > 0) return own;
  const origin = module.body.find(
    ({ source, specifiers }) => source && specifiers.some(({ local }) => local.name === name),
  );
  if (origin === undefined) throw new Error(`${file} does not declare ${name}`);
  return declarationsOf(fileOf(file, origin), name);
}

/** The names that an entry exports, each with its declarations. */
function exportsOf(entry) {
  return read(entry).body.flatMap(({ type, source, specifiers }) => {
    if (type !== 'ExportNamedDeclaration' || source === null) return [];
    return specifiers.map(({ local, exported }) => ({
      name: exported.name,
      declarations: declarationsOf(fileOf(entry, { source }), local.name),
    }));
  });
}

const oneLine = (text) => text.replace(/\s+/g, ' ').replace(/;$/, '');
const cell = (text) => text.replaceAll('|', '\\|').trim();
const code = (text) => `\`${oneLine(text).replace(/^(?:export |declare |readonly )+/, '')}\``;

/** The members of a type that another declaration refers to by name; none if the type is not of this package. */
function membersOfName(module, name) {
  try {
    return declarationsOf(module.file, name).flatMap(membersOf);
  } catch {
    return [];
  }
}

/** The members of the parts of a type; none of a union at the top, whose text says more. */
function membersOfType(module, type, isPart = false) {
  if (type?.type === 'TSTypeLiteral') return type.members.map((member) => ({ module, member }));
  if (type?.type === 'TSParenthesizedType') return membersOfType(module, type.typeAnnotation, isPart);
  if (type?.type === 'TSIntersectionType' || (isPart && type?.type === 'TSUnionType'))
    return type.types.flatMap((part) => membersOfType(module, part, true));
  return isPart && type?.type === 'TSTypeReference' ? membersOfName(module, type.typeName.name) : [];
}

/** The members of a declaration, those of the interfaces that it extends first. */
function membersOf({ module, declaration: { type, body, extends: bases = [], typeAnnotation } }) {
  if (type === 'ClassDeclaration') return body.body.filter(isPublic).map((member) => ({ module, member }));
  if (type !== 'TSInterfaceDeclaration') return membersOfType(module, typeAnnotation);
  const inherited = bases.flatMap(({ expression }) => membersOfName(module, expression.name));
  return [...inherited, ...body.body.map((member) => ({ module, member }))];
}

function memberRow({ module, member }) {
  const { summary } = readDoc(docAbove(module, member.start));
  return `| ${cell(code(module.text.slice(member.start, member.end)))} | ${cell(summary)} |`;
}

function memberTable(declarations) {
  const rows = new Set(declarations.flatMap(membersOf).map(memberRow));
  return rows.size === 0 ? [] : ['', '| member | meaning |', '|---|---|', ...rows];
}

const isCalled = ({ declaration: { type } }) => type === 'TSDeclareFunction' || type === 'ClassDeclaration';

function signature({ module, declaration }) {
  const end = declaration.type === 'ClassDeclaration' ? declaration.body.start : declaration.end;
  return module.text
    .slice(declaration.start, end)
    .replace(/^(?:export |declare )+/, '')
    .trim();
}

/** The page that names an export most often; `undefined` if none does. */
function pageOf(entry, name) {
  const word = new RegExp(`\\b${name}\\b`, 'g');
  const uses = (page) => readFileSync(path.join(root, 'docs', `${page}.md`), 'utf8').match(word)?.length ?? 0;
  const [page] = [...pagesOf[entry]].sort((one, other) => uses(other) - uses(one));
  return uses(page) > 0 ? page : undefined;
}

/** Returns the section of a function or class: signatures, summary, errors, members. */
function section(entry, { name, declarations }) {
  const docs = declarations.map(({ module, statement }) => readDoc(docAbove(module, statement.start)));
  const page = pageOf(entry, name);
  const more = page === undefined ? '' : ` [Example](${page}.md)`;
  const throws = docs.flatMap((doc) => doc.throws).map((text) => `- throws ${text}`);
  return [
    `### ${name}`,
    '',
    '```text',
    ...declarations.map(signature),
    '```',
    '',
    `${docs
      .map(({ summary }) => summary.trim())
      .join(' ')
      .trim()}${more}`,
    ...(throws.length === 0 ? [] : ['', ...throws]),
    ...memberTable(declarations),
    '',
  ];
}

/** Returns the section of a type or a constant: what it means, and its members or its text. */
function typeSection({ name, declarations }) {
  const [{ module, statement, declaration }] = declarations;
  const { summary } = readDoc(docAbove(module, statement.start));
  const table = memberTable(declarations);
  const text = table.length === 0 ? ['', code(module.text.slice(declaration.start, declaration.end))] : table;
  return [`#### ${name}`, '', summary.trim(), ...text, ''];
}

/** The declarations of an export, whether or not it has conditions for each module system. */
const typesOf = (conditions) => conditions.types ?? conditions.import.types;

/** Returns the section of an import. Names that an earlier import has are only listed. */
function importSection(entry, index, entries) {
  const declarationFile = (name) => path.join(root, typesOf(manifest.exports[name]));
  const earlier = new Set(
    entries.slice(0, index).flatMap((name) => exportsOf(declarationFile(name)).map(({ name }) => name)),
  );
  const all = exportsOf(declarationFile(entry));
  const found = all.filter(({ name }) => !earlier.has(name));
  const repeated = all
    .filter(({ name }) => earlier.has(name))
    .map(({ name }) => `[\`${name}\`](#${name.toLowerCase()})`);
  const byName = ({ name: a }, { name: b }) => a.localeCompare(b, 'en');
  const called = found.filter(({ declarations }) => declarations.some(isCalled)).sort(byName);
  const types = found.filter(({ declarations }) => !declarations.some(isCalled)).sort(byName);
  return [
    `## ${path.posix.join(manifest.name, entry)}`,
    '',
    ...(repeated.length === 0 ? [] : [`Also exports ${repeated.sort().join(', ')}.`, '']),
    ...called.flatMap((item) => section(entry, item)),
    ...(types.length === 0 ? [] : ['### Types and constants', '']),
    ...types.flatMap(typeSection),
  ];
}

/** Returns the text of docs/api.md. */
export function apiPage() {
  const lines = [
    '# The whole API',
    '',
    'Every export of the four imports, with its signature. The page is made from the docstrings.',
    '`tcp-keepalive/register` exports nothing: [its variables](whole-program.md#configuration) hold the policy. A number',
    'that is a time is in milliseconds, unless its docstring names another unit. A `Duration` may also be text, such as `30s`.',
    '',
    ...Object.keys(pagesOf).flatMap(importSection),
  ];
  return `${lines.join('\n').trim()}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(path.join(root, 'docs/api.md'), apiPage());
}
