import { afterEach, expect, it, vi } from 'vitest';
import * as realTime from '../../node/real-time.js';
import { TimerQueue } from './timer-queue.js';

vi.mock('../../node/real-time.js', { spy: true });

afterEach(() => void vi.restoreAllMocks());

it('asks for no timer in the past, which newer versions of Node.js warn of', () => {
  // The slot ends now, and the clock moves on before its timer is started.
  vi.mocked(realTime.nowMs).mockReturnValueOnce(1000).mockReturnValue(1000.1);
  new TimerQueue(() => {}).put({ slot: -1, place: 0 }, 0);
  expect(vi.mocked(realTime.setTimer).mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
});
