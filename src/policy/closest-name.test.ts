import fc from 'fast-check';
import { expect, it } from 'vitest';
import { closestName, nearestNames } from './closest-name.js';

const names = ['TCP_KEEPALIVE', 'TCP_KEEPALIVE_MODE', 'TCP_KEEPALIVE_RULES'];

it.each([
  ['a letter too few', 'TCP_KEEPALIVE_RULE', 'TCP_KEEPALIVE_RULES'],
  ['a letter too many', 'TCP_KEEP_ALIVE', 'TCP_KEEPALIVE'],
  ['another letter', 'TCP_KEEPALIVE_MOBE', 'TCP_KEEPALIVE_MODE'],
  ['two letters swapped', 'TCP_KEEPALIVE_MOED', 'TCP_KEEPALIVE_MODE'],
  ['two letters wrong', 'TCPKEEPALIV', 'TCP_KEEPALIVE'],
  ['itself', 'TCP_KEEPALIVE', 'TCP_KEEPALIVE'],
  ['three letters wrong', 'TCPKEEPALI', undefined],
  ['another word', 'TCP_KEEPALIVE_POLICY', undefined],
  ['nothing', '', undefined],
])('%s', (_, given, meant) => {
  expect(closestName(given, names)).toBe(meant);
});

it.each([
  ['lb', ['aws-lb', 'azure-lb', 'nlbs']],
  ['azure-b', ['azure-lb']],
  ['alb', ['nlbs']],
  ['', []],
  ['x', []],
])('the names nearest to %j', (given, near) => {
  expect(nearestNames(given, ['aws-lb', 'azure-lb', 'nlbs'])).toEqual(near);
});

/** Ways to change a name by one letter, or one pair of letters. */
const changes: Readonly<Record<string, (before: string, after: string, letter: string) => string>> = {
  insert: (before, after, letter) => before + letter + after,
  delete: (before, after) => before + after.slice(1),
  replace: (before, after, letter) => (after === '' ? before : before + letter + after.slice(1)),
};
const swap = (before: string, after: string) =>
  `${before}${after.slice(0, 2).split('').toReversed().join('')}${after.slice(2)}`;

it('finds a name after any two changes, and none after three letters that it does not have', () => {
  const letters = fc.constantFrom(...'abcdefgh_-019ÄŁ');
  const names = fc.array(letters, { minLength: 3, maxLength: 16 }).map((each) => each.join(''));
  const change = fc.record({ at: fc.nat(15), kind: fc.constantFrom(...Object.keys(changes)), letter: letters });
  fc.assert(
    fc.property(names, fc.array(change, { maxLength: 2 }), fc.nat(15), (name, two, at) => {
      const changed = two.reduce(
        (given, { at, kind, letter }) => changes[kind]?.(given.slice(0, at), given.slice(at), letter) ?? given,
        name,
      );
      expect(closestName(changed, [name])).toBe(name);
      expect(closestName(swap(name.slice(0, at), name.slice(at)), [name])).toBe(name);
      expect(closestName(`${name}xyz`, [name])).toBeUndefined();
      expect(closestName(`xyz${name.slice(3)}`, [name])).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
});
