import { afterAll } from 'vitest';
import { openDescriptors } from '../src/native/owned-descriptor.js';

// A descriptor that a test file leaves open was leaked by the code under test, or by the test.
afterAll(() => {
  for (const { openedAt } of openDescriptors().values()) throw new Error(`a descriptor was not closed: ${openedAt}`);
});
