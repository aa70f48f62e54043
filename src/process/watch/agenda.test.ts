import { afterEach, expect, it, vi } from 'vitest';
import { Agenda } from './agenda.js';

afterEach(() => void vi.restoreAllMocks());

it('asks for no timer in the past, which newer versions of Node.js warn of', () => {
  // The slot ends now, and the clock moves on before its timer is started.
  vi.spyOn(performance, 'now').mockReturnValueOnce(1000).mockReturnValue(1000.1);
  const started = vi.spyOn(globalThis, 'setTimeout');
  new Agenda(() => {}).put({ slot: -1, place: 0 }, 0);
  expect(started.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
});
