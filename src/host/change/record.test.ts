import { describe, expect, it } from 'vitest';
import type { KeepAliveState } from '../../policy/settings.js';
import { writesFor } from '../options/source.js';
import { isLeftBy, type RecordedChange } from './record.js';

const before = { enabled: false, idle: 7_200_000, interval: 75_000, count: 9, userTimeout: 0 };
const after = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 45_000 };
const change: RecordedChange = { netns: 1, cookie: '1', before, after };

describe('isLeftBy', () => {
  it('knows what an undo has left that was ended between any two options of a connection', () => {
    const state = { ...after };
    expect(isLeftBy(change, state)).toBe(true);
    for (const { field } of writesFor(before).slice(0, -1)) {
      Object.assign(state, { [field]: (before as KeepAliveState)[field] });
      expect(isLeftBy(change, state), field).toBe(true);
    }
  });

  it('does not take for it what somebody has set since', () => {
    expect(isLeftBy(change, { ...after, enabled: false })).toBe(false);
    expect(isLeftBy(change, { ...after, count: 4 })).toBe(false);
  });
});
