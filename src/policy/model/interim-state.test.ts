import { describe, expect, it } from 'vitest';
import { interimState, type Unanswered } from './interim-state.js';

const before = { enabled: true, idle: 30_000, interval: 5000, count: 9, userTimeout: 0 };
const none: Unanswered = { probes: 0, retransmittingMs: 0, silentMs: 50_000, isWindowClosed: false };
const probed: Unanswered = { ...none, probes: 2 };
const retransmitting: Unanswered = { probes: 0, retransmittingMs: 7000, silentMs: 60_000, isWindowClosed: false };

function interim(change: Partial<typeof before>, unanswered: Unanswered, isRearmed = false, from = before) {
  return interimState(from, { ...from, ...change }, unanswered, isRearmed);
}

describe('interimState', () => {
  it('is what is wanted where nothing is unanswered', () => {
    const wanted = { ...before, count: 1, userTimeout: 1000 };
    expect(interimState(before, wanted, none, true)).toBe(wanted);
  });

  it('counts a smaller count from the probes that are unanswered', () => {
    expect(interim({ count: 3 }, probed).count).toBe(5);
  });

  it('does so too where the timer is rearmed, or the user timeout no longer decides', () => {
    expect(interim({ idle: 5000 }, probed, true).count).toBe(11);
    expect(interim({ userTimeout: 0 }, probed, false, { ...before, userTimeout: 60_000 }).count).toBe(11);
  });

  it('lets a smaller rtoMax wait while data are sent again, and sets another one', () => {
    expect(interimState(before, { ...before, rtoMax: 5000 }, none, false).rtoMax).toBe(5000);
    expect(interimState(before, { ...before, rtoMax: 5000 }, retransmitting, false)).toEqual(before);
    const short = { ...before, rtoMax: 2000 };
    expect(interimState(short, { ...before, rtoMax: 1000 }, retransmitting, false).rtoMax).toBe(2000);
    expect(interimState(short, { ...before, count: 8 }, retransmitting, false)).toEqual({ ...before, count: 8 });
  });

  it('leaves a larger count, a longer user timeout and one that is as before', () => {
    expect(interim({ count: 20 }, probed)).toMatchObject({ count: 20 });
    const timed = { ...before, userTimeout: 4000 };
    expect(interim({ userTimeout: 9000 }, probed, false, timed)).toMatchObject({ count: 9, userTimeout: 9000 });
    expect(interim({ idle: 5000 }, retransmitting, true, timed)).toMatchObject({ userTimeout: 4000 });
  });

  it('lets the kernel probe once before a user timeout can be exceeded', () => {
    // A tick can be late by an eighth, and is due after an interval unless the timer is rearmed.
    expect(interim({ userTimeout: 2000 }, probed).userTimeout).toBeGreaterThan(55_000 * 1.125 - 3000);
    const rearmed = interim({ idle: 1000 }, probed, true, { ...before, userTimeout: 2000 }).userTimeout;
    expect(rearmed).toBeGreaterThan(50_000);
    expect(rearmed).toBeLessThan(58_000);
    expect(interim({ userTimeout: 90_000 }, probed)).toMatchObject({ count: 11, userTimeout: 90_000 });
  });

  it('counts a user timeout of data in flight from now on', () => {
    expect(interim({ userTimeout: 2000 }, retransmitting)).toEqual({ ...before, userTimeout: 9000 });
  });

  it('leaves a stricter user timeout out while the window of the peer is closed', () => {
    const closed = { ...none, isWindowClosed: true };
    expect(interim({ count: 3, userTimeout: 2000 }, closed)).toEqual({ ...before, count: 3, userTimeout: 0 });
    const timed = { ...before, userTimeout: 60_000 };
    expect(interim({ userTimeout: 2000 }, closed, false, timed).userTimeout).toBe(60_000);
    expect(interim({ userTimeout: 90_000 }, closed, false, timed).userTimeout).toBe(90_000);
  });

  it('changes nothing where the kernel could not count that far, and no count of a sysctl beyond the limits', () => {
    expect(interim({ count: 120 }, { ...none, probes: 110 }, true)).toBe(before);
    expect(interim({ count: 120 }, { ...none, probes: 8 }, true).count).toBe(127);
    expect(interim({}, probed, true, { ...before, count: 300 }).count).toBe(300);
  });
});
