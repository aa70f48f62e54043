import { closeSync, fstatSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OwnedDescriptor, openDescriptors } from './owned-descriptor.js';

it('closes its number once, and not what was opened under it since, by itself or by another owner', () => {
  const first = new OwnedDescriptor(openSync('/dev/null', 'r'), 'first');
  const number = first.fd;
  first.close();
  expect(first.fd).toBe(-1);
  const plain = openSync('/dev/null', 'r');
  expect(plain).toBe(number);
  first.close();
  fstatSync(plain);
  closeSync(plain);

  const second = new OwnedDescriptor(openSync('/dev/null', 'r'), 'second');
  expect(second.fd).toBe(number);
  first.close();
  first[Symbol.dispose]();
  fstatSync(number);
  expect(openDescriptors().has(number)).toBe(true);
  second.close();
  expect(openDescriptors().has(number)).toBe(false);
  expect(() => fstatSync(number)).toThrow('EBADF');
});
