import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../peer/snapshot.js';
import type { KeepAliveState } from '../../socket/state.js';
import { noteAnsweredProbe, untilAnswer } from './probe-period.js';
import type { WatchedConnection } from './watched-connection.js';

/** A connection of which only the period matters. */
function connection() {
  const options: KeepAliveState = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };
  const watched = { probedAt: 0, probedSegments: 0, options } as WatchedConnection;
  let segmentsSent = 0;
  return {
    watched,
    /** It is looked at and was heard, and carried data, so long ago; so many segments were sent since the last look. */
    look(now: number, silentMs: number, dataMs = 1_000_000, sent = 1) {
      segmentsSent += sent;
      const snapshot = { silentMs, lastDataReceivedMs: dataMs, lastDataSentMs: dataMs, segmentsSent } as Snapshot;
      noteAnsweredProbe(watched, snapshot, now);
      return untilAnswer(watched, now);
    },
  };
}

describe('the period of probes', () => {
  it('is known once two probes were answered, and foretells the next answer', () => {
    const { look } = connection();
    expect(look(100_000, 50)).toBeUndefined();
    expect(look(130_720, 50)).toBe(30_720 + 40 - 50);
    expect(look(150_000, 19_330)).toBe(30_720 + 40 - 19_330);
  });

  it('is shared by connections with the same options', () => {
    const first = connection();
    first.look(100_000, 0);
    first.look(130_720, 0);
    const other = { probedAt: 0, options: first.watched.options } as WatchedConnection;
    const snapshot = { silentMs: 10, lastDataReceivedMs: 90_000, lastDataSentMs: 90_000, segmentsSent: 9 } as Snapshot;
    noteAnsweredProbe(other, snapshot, 200_000);
    expect(untilAnswer(other, 200_000)).toBe(30_720 + 40 - 10);
  });

  it('is not learned from a period in which a probe went unanswered, however often', () => {
    const { look } = connection();
    look(100_000, 0);
    look(130_720, 0);
    let now = 130_720;
    for (let times = 0; times < 10; times += 1) {
      now += 35_840;
      look(now, 0, 1_000_000, 2);
    }
    expect(look(now + 30_720, 0)).toBe(30_760);
  });

  it('says nothing after data, nor when the answer should have been there', () => {
    const { look } = connection();
    look(100_000, 0);
    look(130_720, 0);
    expect(look(161_481, 30_761)).toBeUndefined();
    expect(look(170_000, 100, 100)).toBeUndefined();
    expect(look(175_000, 5100, 5100)).toBeUndefined();
  });

  it('takes a shorter one at once, a longer one when it stays, and none that is shorter than idle', () => {
    const answers = (...periods: number[]) => {
      const { look } = connection();
      let now = 100_000;
      let left = look(now, 0);
      for (const period of periods) {
        now += period;
        left = look(now, 0);
      }
      return left;
    };
    expect(answers(32_768, 30_720)).toBe(30_760);
    expect(answers(30_720, 32_768, 32_768, 32_768)).toBe(30_760);
    expect(answers(30_720, 32_768, 32_768, 32_768, 32_768, 32_768)).toBe(32_808);
    expect(answers(32_768, 12_000)).toBe(32_808);
  });
});
