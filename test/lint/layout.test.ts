import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));

/** The rings of ARCHITECTURE.md, from the innermost: an import leads to the same ring or to one further in. */
const rings = ['policy', 'wire', 'peer', 'native', 'node', 'socket', 'process', 'host', 'testing', 'cli'] as const;
type Ring = (typeof rings)[number];

/** Rings without effects: no module of Node.js, and no package. */
const pure: readonly Ring[] = ['policy', 'wire', 'peer'];

/** The rings that may import a package. */
const packages: Readonly<Record<string, Ring>> = {
  koffi: 'native',
  commander: 'cli',
  'log-update': 'cli',
  'string-width': 'cli',
};

interface Import {
  /** Relative to `src`. */
  readonly file: string;
  readonly specifier: string;
}

const importing = /(?:\bfrom|\bimport|\brequire\)?|createRequire\([^)]*\))\s*\(?\s*'([^']+)'/g;

function importsIn(file: string, text: string): Import[] {
  return [...text.matchAll(importing)].map(([, specifier]) => ({ file, specifier: specifier as string }));
}

function ringOf(file: string): Ring | undefined {
  return rings.find((ring) => file.startsWith(`${ring}/`));
}

/** Returns why an import may not be; undefined if it may. */
function faultOf({ file, specifier }: Import): string | undefined {
  const from = ringOf(file);
  if (from === undefined) return undefined; // a door: nothing but exports
  const fault = (why: string) => `${file} imports ${specifier}: ${why}`;
  if (!specifier.startsWith('.')) {
    if (pure.includes(from)) return fault(`${from} is pure`);
    const name = specifier.split('/')[0] as string;
    if (specifier.startsWith('node:')) return undefined;
    return packages[name] === from ? undefined : fault(`${name} belongs to ${packages[name] ?? 'no ring'}`);
  }
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const to = ringOf(target);
  if (to === undefined) return fault('a door is not imported from inside');
  return rings.indexOf(to) <= rings.indexOf(from) ? undefined : fault(`${to} lies outside ${from}`);
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
);
const texts = new Map(files.map((file) => [file, readFileSync(path.join(source, file), 'utf8')]));
const imports = files.flatMap((file) => importsIn(file, texts.get(file) as string));

/** The files that a file imports. Imports of types alone leave no trace in the program. */
function importedBy(file: string): string[] {
  const text = (texts.get(file) as string).replace(/^(?:import|export) type [^;]*;$/gm, '');
  return importsIn(file, text)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts'));
}

/** Returns the first cycle of imports that is met from a file; undefined if there is none. */
function cycleFrom(file: string, way: readonly string[], done: Set<string>): readonly string[] | undefined {
  const at = way.indexOf(file);
  if (at >= 0) return [...way.slice(at), file];
  if (done.has(file) || !texts.has(file)) return undefined;
  for (const next of importedBy(file)) {
    const cycle = cycleFrom(next, [...way, file], done);
    if (cycle !== undefined) return cycle;
  }
  done.add(file);
  return undefined;
}

describe('imports', () => {
  it('point inwards', () => {
    expect(imports.length).toBeGreaterThan(500);
    expect(imports.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('make no cycle', () => {
    const done = new Set<string>();
    expect(files.map((file) => cycleFrom(file, [], done)).filter((cycle) => cycle !== undefined)).toEqual([]);
  });

  it.each([
    ['policy/outward.ts', 'node:fs'],
    ['policy/outward.ts', '../wire/tcp-info/decode.js'],
    ['wire/bpf/outward.ts', '../../native/libc.js'],
    ['native/outward.ts', '../node/handle.js'],
    ['node/outward.ts', 'koffi'],
    ['node/outward.ts', '../socket/keep-alive.js'],
    ['socket/platforms/outward.ts', '../../cli/main.js'],
    ['host/options/outward.ts', '../../testing/index.js'],
    ['cli/verbs/outward.ts', 'koffi'],
    ['socket/outward.ts', '../index.js'],
    ['socket/outward.ts', 'left-pad'],
  ])('of %s may not be %s', (file, specifier) => {
    const [found] = importsIn(file, `import { x } from '${specifier}';`);
    expect(faultOf(found as Import)).toContain(`${file} imports ${specifier}`);
  });

  it.each([
    ['native/inward.ts', 'koffi'],
    ['native/bpf/inward.ts', '../../wire/bpf/btf.js'],
    ['socket/inward.ts', 'node:net'],
    ['socket/probe/inward.ts', '../../node/handle.js'],
    ['cli/verbs/inward.ts', 'commander'],
  ])('of %s may be %s', (file, specifier) => {
    const [found] = importsIn(file, `import { x } from '${specifier}';`);
    expect(faultOf(found as Import)).toBeUndefined();
  });
});

describe('what Node.js does not document', () => {
  it.each([
    ...['_handle', '_parent', '_host', '_server', 'owner_symbol', 'onconnection', '_listen2', 'kReinitializeHandle'],
    ...['_getActiveHandles', 'internalMessage'],
  ])('is used in node/ alone: %s', (name) => {
    const use = new RegExp(`\\b${name}\\b`);
    const code = (file: string) => (texts.get(file) as string).replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    const users = files.filter((file) => use.test(code(file)));
    expect(users).not.toEqual([]);
    expect(users.filter((file) => !file.startsWith('node/'))).toEqual([]);
  });
});

describe('files', () => {
  it('have at most 300 lines', () => {
    const lines = (file: string) => (texts.get(file) as string).split('\n').length - 1;
    expect(files.filter((file) => lines(file) > 300)).toEqual([]);
  });
});

describe('folders', () => {
  it('have at most 16 files', () => {
    const counts = new Map<string, number>();
    for (const file of files) counts.set(path.dirname(file), (counts.get(path.dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 16)).toEqual([]);
  });
});

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (guide) => {
  const text = readFileSync(path.join(source, '..', guide), 'utf8');
  const tree = readdirSync(path.join(source, '..', 'src'), { recursive: true, encoding: 'utf8' });
  const others = readdirSync(path.join(source, '..', 'test'), { recursive: true, encoding: 'utf8' });
  const known = [...tree.map((file) => `src/${file}`), ...others.map((file) => `test/${file}`)];

  it('names only files that there are', () => {
    const named = [...text.matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts)`/g)].map(([, file]) => file as string);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((file) => !known.some((path) => path === file || path.endsWith(`/${file}`)))).toEqual([]);
  });
});
