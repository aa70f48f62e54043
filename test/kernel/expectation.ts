import { expect } from 'vitest';
import type { TimeRange } from '../../src/index.js';
import type { Moment } from './observation.js';

/** How long after the kernel acts a busy machine may let the program see it. */
const schedulingMs = 250;

/** Asserts that the time from one moment to another lies in a range: not early at all, and late by scheduling only. */
export function expectElapsed(from: Moment, to: Moment, { earliestMs, latestMs }: TimeRange): void {
  expect(to.notAfter - from.notBefore, 'too early').toBeGreaterThanOrEqual(earliestMs);
  expect(to.notBefore - from.notAfter, 'too late').toBeLessThanOrEqual(latestMs + schedulingMs);
}
