import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const tests = fileURLToPath(new URL('..', import.meta.url));

// Vitest would take the end of whichever test began last for the end of the one that calls.
it('concurrent tests take onTestFinished from their context', () => {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  const texts = files.map((file) => ({ file, text: readFileSync(path.join(tests, file), 'utf8') }));
  const concurrent = texts.filter(({ text }) => /\b(it|describe)\b[^;]{0,40}\.concurrent\b/.test(text));
  expect(concurrent.length).toBeGreaterThan(20);
  expect(concurrent.filter(({ text }) => /import [^;]*\bonTestFinished\b/.test(text)).map(({ file }) => file)).toEqual(
    [],
  );
});
