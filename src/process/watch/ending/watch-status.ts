import type { DeathReason } from '../../../peer/end-reason.js';
import type { PeerEvent } from '../events.js';

/** Deaths by reason; `unknown` if no error named the reason. */
export type DeathCounts = { readonly [reason in DeathReason | 'unknown']: number };

/** What `watch.status()` returns. */
export interface WatchStatus {
  /** Connections that are watched now. Sockets that are still connecting are not counted. */
  readonly watched: number;
  /** Watched connections whose peer has left probes or data unanswered. */
  readonly suspect: number;
  /** Watched connections whose peer does not read. */
  readonly stalled: number;
  /** Connections that their peers have closed, since the watch began. */
  readonly closed: number;
  /** Connections whose peers were lost since the watch began, by reason. */
  readonly deaths: DeathCounts;
}

/** Counts how connections ended. */
export class EndCounts {
  #closed = 0;
  readonly #deaths: { -readonly [reason in keyof DeathCounts]: number } = {
    keepalive: 0,
    'user-timeout': 0,
    retransmission: 0,
    unanswered: 0,
    reset: 0,
    unreachable: 0,
    aborted: 0,
    unknown: 0,
  };

  add(event: PeerEvent): void {
    if (event.type === 'closed') this.#closed += 1;
    else if (event.type === 'dead') this.#deaths[event.reason ?? 'unknown'] += 1;
  }

  counts(): Pick<WatchStatus, 'closed' | 'deaths'> {
    return { closed: this.#closed, deaths: { ...this.#deaths } };
  }
}
