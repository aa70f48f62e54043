import { afterAll, describe, expect, it } from 'vitest';
import { type Block, extractBlocks } from './blocks.js';
import { findGo } from './go.js';
import { runBlock } from './run-block.js';
import { Scratch } from './scratch.js';
import { typeErrors } from './type-check.js';

const go = findGo(23);
const scratch = new Scratch();
afterAll(() => scratch.remove());

function block(language: string, code: string, expects: string[] = []): Block {
  return { file: 'page.md', line: 7, language, code, expects, exits: [0], name: undefined };
}

function run(language: string, code: string, expects?: string[]): Promise<string> {
  return runBlock(block(language, code, expects), { scratch, go });
}

describe('extractBlocks', () => {
  it('gives language, line, code and what is expected', () => {
    const page = ['# Title', '', '<!-- name: first -->', '<!-- expects: a b -->', '<!-- expects: c -->', '```ts x=y'];
    const [found] = extractBlocks([...page, 'one', '', '  two', '```', 'text'].join('\n'), 'page.md');
    const code = 'one\n\n  two\n';
    expect(found).toEqual({
      file: 'page.md',
      line: 6,
      language: 'ts',
      code,
      expects: ['a b', 'c'],
      exits: [0],
      name: 'first',
    });
  });

  it('finds every block: tildes, in a list, longer fences that hold shorter ones, without a language', () => {
    const page = '~~~sh\na\n~~~\n- item\n  ```js\n  b\n    c\n  ```\n````text\n```go\n```\n````\n```\nd\n```\n';
    const found = extractBlocks(page, 'page.md');
    expect(found.map(({ language, code }) => [language, code])).toEqual([
      ['sh', 'a\n'],
      ['js', 'b\n  c\n'],
      ['text', '```go\n```\n'],
      ['', 'd\n'],
    ]);
  });

  it('keeps a comment for the block directly below it only', () => {
    const [listing] = extractBlocks('<!-- exits: 0 3 -->\n```sh\n```\n', 'page.md');
    expect(listing?.exits).toEqual([0, 3]);
    const [first, second] = extractBlocks('<!-- expects: x -->\n```sh\n```\n```sh\n```\n', 'page.md');
    expect([first?.expects, second?.expects]).toEqual([['x'], []]);
  });

  it('refuses a block that is not closed', () => {
    expect(() => extractBlocks('a\n```ts\nb\n', 'page.md')).toThrow('page.md:2: this code block is never closed');
  });
});

describe.concurrent('runBlock', () => {
  it('runs TypeScript and JavaScript that import the package', async () => {
    const code = "import { formatPolicy } from 'tcp-keepalive';\nconsole.log(formatPolicy('30:5:3'));\n";
    for (const language of ['ts', 'js', 'mjs']) await expect(run(language, code)).resolves.toMatch(/30/);
  });

  it('fails for a program that throws, and names its line in the document', async () => {
    await expect(run('ts', "const a: number = 1;\nthrow new Error('x' + a);\n")).rejects.toThrow(/block\.ts:9/);
    await expect(run('js', 'process.exitCode = 3;\n')).rejects.toThrow('ended with 3');
  });

  it('fails for a vitest or node:test file with a failing test, and passes a good one', async () => {
    const vitest = (value: number) =>
      `import { expect, it } from 'vitest';\nit('x', () => expect(${value}).toBe(1));\n`;
    const node = (value: number) =>
      `import assert from 'node:assert';\nimport test from 'node:test';\ntest('x', () => assert.equal(${value}, 1));\n`;
    await expect(run('ts', vitest(1))).resolves.toMatch(/1 passed/);
    await expect(run('ts', vitest(2))).rejects.toThrow(/1 failed/);
    await expect(run('ts', node(1))).resolves.toMatch(/pass 1/);
    await expect(run('ts', node(2))).rejects.toThrow(/fail 1/);
  });

  it('fails when the output lacks what is expected', async () => {
    await expect(run('js', "console.log('one two');\n", ['one two'])).resolves.toBe('one two\n');
    await expect(run('js', "console.log('one');\n", ['two'])).rejects.toThrow("its output lacks 'two'");
    await expect(run('text', 'one\n', ['two'])).rejects.toThrow("its output lacks 'two'");
  });

  it('runs each command of a shell block and stops at the first that fails', async () => {
    await expect(run('sh', 'echo a # b\nprintf "%s\\n" \\\n  c\n')).resolves.toBe('a\nc\n');
    await expect(run('sh', 'false\necho a\n')).rejects.toThrow('ended with 1');
    await expect(run('console', '$ echo a\nfalse\n')).resolves.toBe('a\n');
    await expect(run('sh', 'command -v tcp-keepalive\n')).resolves.toContain(scratch.binDirectory);
  });

  it('accepts the exit codes of a shell block that a comment above it names, and no other', async () => {
    const ending = (code: number) => runBlock({ ...block('sh', `exit ${code}\n`), exits: [0, 3] }, { scratch, go });
    await expect(ending(0)).resolves.toBe('');
    await expect(ending(3)).resolves.toBe('');
    await expect(ending(2)).rejects.toThrow('ended with 2');
  });

  it('checks commands that concern the project instead of running them', async () => {
    const good = 'git clone URL && cd tcp-keepalive\nnpm ci && npm start -- --json\nnpm run build\nnpx vitest run\n';
    await expect(run('sh', good)).resolves.toContain('npm run build');
    await expect(run('sh', 'npm install tcp-keepalive && echo done\n')).resolves.toBe('done\n');
    await expect(run('sh', 'npm run absent\n')).rejects.toThrow("package.json has no script 'absent'");
    await expect(run('sh', 'npm ci && npm run absent\n')).rejects.toThrow("no script 'absent'");
    await expect(run('sh', 'npm install tcp-keepalives\n')).rejects.toThrow('neither this package nor');
    await expect(run('sh', 'npx vitest run test/absent\n')).rejects.toThrow('there is no test/absent');
    await expect(run('sh', 'scripts/absent\n')).rejects.toThrow('there is no scripts/absent');
  });

  it('fails for JSON that does not parse and for a language that nothing runs', async () => {
    await expect(run('json', '{"a": 1}')).resolves.toBe('{"a": 1}');
    await expect(run('json', '{a: 1}')).rejects.toThrow(SyntaxError);
    await expect(run('yaml', 'a: 1')).rejects.toThrow("nothing runs 'yaml' blocks");
    await expect(run('constructor', '')).rejects.toThrow('nothing runs');
  });

  it.skipIf(go === undefined)(
    'compiles and runs Go, and fails for what does not compile, exits with a code or is badly formatted',
    async () => {
      const program = (statement: string) => `package main\n\nimport "os"\n\nfunc main() {\n\t${statement}\n}\n`;
      await expect(run('go', program('os.Stdout.WriteString("hi")'))).resolves.toBe('hi');
      await expect(run('go', program('os.Exit(4)'))).rejects.toThrow('ended with 4');
      await expect(run('go', program('os.Absent()'))).rejects.toThrow(/main\.go:13:/);
      await expect(run('go', program(' os.Exit( 0)'))).rejects.toThrow('gofmt would change');
    },
    300_000,
  );
});

describe('typeErrors', () => {
  it('names the document and the line of an error', async () => {
    const good = block('ts', "import { getKeepAlive } from 'tcp-keepalive';\nconsole.log(getKeepAlive);\n");
    const bad = { ...block('ts', "\nexport const count: number = '3';\n"), file: 'docs/bad.md' };
    await expect(typeErrors([good], scratch)).resolves.toBe('');
    await expect(typeErrors([good, bad], scratch)).resolves.toMatch(/^docs_bad\.md\.7\.ts\(9,14\): error TS2322/);
  });
});
