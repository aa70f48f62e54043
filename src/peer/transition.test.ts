import { describe, expect, it } from 'vitest';
import type { WatchedConnection } from '../process/watch/watched-connection.js';
import type { Diagnosis } from './diagnosis.js';
import type { Snapshot } from './snapshot.js';
import { updatePeerState } from './transition.js';

const unanswered: Diagnosis = {
  unansweredKind: 'retransmission',
  unanswered: 1,
  isWindowClosed: false,
  unansweredForMs: 150,
};
const answered: Diagnosis = { unansweredKind: undefined, unanswered: 0, isWindowClosed: false, unansweredForMs: 0 };

describe('for how long something has gone unanswered', () => {
  it('counts from the first look that finds it so, less what is known of the time before', () => {
    const watched = { peerState: 'fine', unansweredSince: 0, closedSince: 0, ackedBytes: 0 } as WatchedConnection;
    const at = (now: number, diagnosis = unanswered, ackedBytes = 7) =>
      updatePeerState(watched, { ackedBytes, rtoMs: 204 } as Snapshot, diagnosis, now);
    expect(at(1000)).toEqual({ transition: 'suspect', forMs: 150 });
    expect(at(2000)).toEqual({ transition: undefined, forMs: 1150 });
    expect(at(3000, answered)).toEqual({ transition: 'recovered', forMs: 0 });
    expect(at(4000)).toEqual({ transition: 'suspect', forMs: 150 });
  });

  it('begins anew where the peer has acknowledged something meanwhile, as on a path that loses much', () => {
    const watched = { peerState: 'fine', unansweredSince: 0, closedSince: 0, ackedBytes: 0 } as WatchedConnection;
    const at = (now: number, ackedBytes: number) =>
      updatePeerState(watched, { ackedBytes, rtoMs: 204 } as Snapshot, unanswered, now).forMs;
    expect([at(1000, 7), at(1500, 7), at(2000, 8), at(2500, 8), at(3000, 9)]).toEqual([150, 650, 150, 650, 150]);
  });

  it('begins anew where the peer was heard meanwhile, though the program was held up and saw none of it', () => {
    const probe = { ...unanswered, unansweredKind: 'keepalive', unansweredForMs: 0 } as const;
    const watched = { peerState: 'fine', unansweredSince: 0, closedSince: 0, ackedBytes: 7 } as WatchedConnection;
    const at = (now: number, silentMs: number, diagnosis: Diagnosis = probe) =>
      updatePeerState(watched, { ackedBytes: 7, rtoMs: 204, silentMs } as Snapshot, diagnosis, now).forMs;
    expect([at(1000, 1400), at(1500, 1900), at(9500, 1700), at(9600, 1800)]).toEqual([0, 500, 0, 100]);
    // What a peer sends of itself acknowledges no data.
    expect([at(9700, 50, unanswered), at(9800, 50, unanswered)]).toEqual([200, 300]);
  });
});
