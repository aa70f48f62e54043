import { describe, expect, it } from 'vitest';
import { assess } from './assessment.js';
import type { Condition } from './condition.js';
import type { Sight } from './sight.js';
import type { Watched } from './watched.js';

const unanswered: Condition = {
  unansweredKind: 'retransmission',
  unanswered: 1,
  isWindowClosed: false,
  unansweredForMs: 150,
};
const answered: Condition = { unansweredKind: undefined, unanswered: 0, isWindowClosed: false, unansweredForMs: 0 };

describe('for how long something has gone unanswered', () => {
  it('counts from the first look that finds it so, less what is known of the time before', () => {
    const watched = { mood: 'fine', unansweredSince: 0, closedSince: 0, ackedBytes: 0 } as Watched;
    const at = (now: number, condition = unanswered, ackedBytes = 7) =>
      assess(watched, { ackedBytes, rtoMs: 204 } as Sight, condition, now);
    expect(at(1000)).toEqual({ turn: 'suspect', forMs: 150 });
    expect(at(2000)).toEqual({ turn: undefined, forMs: 1150 });
    expect(at(3000, answered)).toEqual({ turn: 'recovered', forMs: 0 });
    expect(at(4000)).toEqual({ turn: 'suspect', forMs: 150 });
  });

  it('begins anew where the peer has acknowledged something meanwhile, as on a path that loses much', () => {
    const watched = { mood: 'fine', unansweredSince: 0, closedSince: 0, ackedBytes: 0 } as Watched;
    const at = (now: number, ackedBytes: number) =>
      assess(watched, { ackedBytes, rtoMs: 204 } as Sight, unanswered, now).forMs;
    expect([at(1000, 7), at(1500, 7), at(2000, 8), at(2500, 8), at(3000, 9)]).toEqual([150, 650, 150, 650, 150]);
  });

  it('begins anew where the peer was heard meanwhile, though the program was held up and saw none of it', () => {
    const probe = { ...unanswered, unansweredKind: 'keepalive', unansweredForMs: 0 } as const;
    const watched = { mood: 'fine', unansweredSince: 0, closedSince: 0, ackedBytes: 7 } as Watched;
    const at = (now: number, silentMs: number, condition: Condition = probe) =>
      assess(watched, { ackedBytes: 7, rtoMs: 204, silentMs } as Sight, condition, now).forMs;
    expect([at(1000, 1400), at(1500, 1900), at(9500, 1700), at(9600, 1800)]).toEqual([0, 500, 0, 100]);
    // What a peer sends of itself acknowledges no data.
    expect([at(9700, 50, unanswered), at(9800, 50, unanswered)]).toEqual([200, 300]);
  });
});
