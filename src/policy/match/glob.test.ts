import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyGlobMatcher, globMatcher } from './glob.js';

describe('globMatcher', () => {
  it.each([
    ['nginx', 'nginx', true],
    ['nginx', 'nginx2', false],
    ['nginx', 'Nginx', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'line\nbreak', true],
    ['?', '', false],
    ['?', '\u{1f600}', true],
    ['?', 'ab', false],
    ['php-fpm*', 'php-fpm: pool www', true],
    ['php-fpm*', 'my php-fpm', false],
    ['*.service', 'ssh.service', true],
    ['*.service', 'sshxservice', false],
    ['/*/x', '/a/b/x', true],
    ['a*c?', 'abbcd', true],
    ['a*c?', 'abbc', false],
    ['dev-disk\\x2d*', 'dev-disk\\x2dby', true],
    ['[ab]', 'a', false],
    ['[ab]*', '[ab]c', true],
    ['a*ab*c', 'aabc', true],
    ['a*ab*c', 'abc', false],
    ['*ab*ab*', 'xabab', true],
    ['*ab*ab*', 'xaba', false],
    ['a*b?*c', 'abbbc', true],
    ['*11*2', 'x112', true],
  ])('%j on %j gives %s', (pattern, text, expected) => {
    expect(globMatcher(pattern)(text)).toBe(expected);
  });

  const texts = fc.string({ unit: fc.constantFrom(...'ab.+^{}$()|[]\\/-') });

  it('takes what is neither * nor ? for itself', () => {
    fc.assert(
      fc.property(texts, texts, (pattern, text) => {
        expect(globMatcher(pattern)(text)).toBe(pattern === text);
        expect(globMatcher(`${pattern}*`)(pattern + text)).toBe(true);
        expect(globMatcher(`${pattern}?`)(text)).toBe(text.length === pattern.length + 1 && text.startsWith(pattern));
        expect(globMatcher(`*${pattern}**`)(text)).toBe(text.includes(pattern));
      }),
    );
  });
});

it('matches in time in proportion to the text, whatever another program has chosen for it', () => {
  const matches = globMatcher('*a*a*a*a*a*a*a*b?');
  expect(matches('a'.repeat(60_000))).toBe(false);
  expect(matches(`${'a'.repeat(60_000)}bc`)).toBe(true);
});

it('agrees with the definition, tried out character by character', () => {
  const agrees = (pattern: string, text: string): boolean => {
    if (pattern === '') return text === '';
    if (pattern[0] !== '*')
      return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && agrees(pattern.slice(1), text.slice(1));
    return agrees(pattern.slice(1), text) || (text !== '' && agrees(pattern, text.slice(1)));
  };
  const alphabet = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
  fc.assert(
    fc.property(alphabet('ab*?'), alphabet('ab'), (pattern, text) => {
      expect(globMatcher(pattern)(text)).toBe(agrees(pattern, text));
    }),
    { numRuns: 1000 },
  );
});

describe('anyGlobMatcher', () => {
  it('matches what any of the patterns does', () => {
    const matches = anyGlobMatcher(['node', 'php*']);
    expect(['node', 'php-fpm', 'nodejs'].map(matches)).toEqual([true, true, false]);
    expect(anyGlobMatcher([])('node')).toBe(false);
  });
});
