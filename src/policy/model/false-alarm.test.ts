import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../test/random.js';
import { parsePolicy } from '../parse.js';
import { falseAlarm, type PathLoss } from './false-alarm.js';
import { quietTraffic } from './traffic.js';

/** Plays quiet connections one after the other, each until it ends. Returns the ends a day. */
function played(text: string, { loss, burstMs }: PathLoss, ends: number): number {
  const { idle, interval, count } = parsePolicy(text);
  const random = randomFrom(7);
  let isOut = false;
  /** The state of the path some time later. */
  const after = (ms: number) => {
    if (burstMs === undefined) return;
    const stay = Math.exp(-ms / (burstMs * (1 - loss)));
    isOut = random() < (isOut ? loss + (1 - loss) * stay : loss * (1 - stay));
  };
  const isLost = () => (burstMs === undefined ? random() < loss || random() < loss : isOut);
  let [elapsedMs, seen] = [0, 0];
  while (seen < ends) {
    elapsedMs += idle;
    after(idle);
    let lost = 0;
    while (isLost()) {
      lost += 1;
      elapsedMs += interval;
      after(interval);
      if (lost === count) {
        seen += 1;
        // The next connection is opened once the path is there.
        isOut = false;
        break;
      }
    }
  }
  return (ends * 86_400_000) / elapsedMs;
}

describe('the chance to lose a healthy peer', () => {
  it.each<[string, PathLoss]>([
    ['30:5:3', { loss: 0.2 }],
    ['10:10:2', { loss: 0.1 }],
    ['60:1:1', { loss: 0.05 }],
    ['30:5:3', { loss: 0.05, burstMs: 20_000 }],
    ['30:1:4', { loss: 0.02, burstMs: 3000 }],
  ])('is what %s comes to with %j, played on', (text, path) => {
    const ends = 4000;
    const { perDay } = falseAlarm(parsePolicy(text), path);
    // Three standard deviations of a count of rare events.
    expect(Math.abs(played(text, path, ends) / perDay - 1)).toBeLessThan(3 / Math.sqrt(ends));
  });

  it('is that of one lost probe where the user timeout is shorter than idle', () => {
    expect(falseAlarm(parsePolicy('30:5:3:10'), { loss: 0.01 })).toMatchObject({ probes: 1 });
    expect(falseAlarm(parsePolicy('30:5:3'), { loss: 0.01 }).perProbe).toBeCloseTo(0.0199 ** 3, 12);
    expect(falseAlarm(parsePolicy('30:5:3'), { loss: 0 })).toEqual({ perProbe: 0, perDay: 0, probes: 3 });
    expect(falseAlarm(parsePolicy('30:5:3'), { loss: 1 }).perProbe).toBe(1);
  });
});

it('a probe and an answer each idle time, of all connections', () => {
  const { packetsPerDay, bytesPerDay, packetsPerSecond } = quietTraffic(parsePolicy('30:5:3'), 200_000);
  expect([packetsPerDay, bytesPerDay]).toEqual([5760, 299_520]);
  expect(packetsPerSecond).toBeCloseTo(13_333.3, 0);
});
