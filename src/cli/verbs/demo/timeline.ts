import type { TcpInfo } from '../../../wire/tcp-info/decode.js';
import type { Outcome } from './scenario.js';

/** Something that happened on a connection, seen from the server's kernel. */
export type TimelineEvent =
  | { readonly kind: 'probe'; readonly atMs: number; readonly unanswered: number }
  | { readonly kind: 'retransmission'; readonly atMs: number; readonly unanswered: number }
  | { readonly kind: 'answer'; readonly atMs: number }
  | { readonly kind: 'end'; readonly atMs: number; readonly outcome: Outcome };

/** What the server's kernel has done on one connection so far. */
export class Timeline {
  readonly events: TimelineEvent[] = [];
  #before: TcpInfo;

  constructor(first: TcpInfo) {
    this.#before = first;
  }

  get probesSent(): number {
    return this.events.filter((event) => event.kind === 'probe').length;
  }

  get probesAnswered(): number {
    return this.events.filter((event) => event.kind === 'probe' && event.unanswered === 0).length;
  }

  /** Probes or retransmissions that have gone unanswered. */
  get unanswered(): number {
    return Math.max(this.#before.probes, this.#before.retransmits);
  }

  get outcome(): Outcome | undefined {
    const last = this.events.at(-1);
    return last?.kind === 'end' ? last.outcome : undefined;
  }

  /** Takes in what the kernel says now, and gives what is new. */
  observe(atMs: number, now: TcpInfo): TimelineEvent[] {
    const before = this.#before;
    this.#before = now;
    const news: TimelineEvent[] = [];
    const unanswered = Math.max(now.probes, now.retransmits);
    if (now.retransmits > before.retransmits) news.push({ kind: 'retransmission', atMs, unanswered });
    else if (this.#probed(before, now)) news.push({ kind: 'probe', atMs, unanswered });
    if (unanswered === 0 && Math.max(before.probes, before.retransmits) > 0) news.push({ kind: 'answer', atMs });
    this.events.push(...news);
    return news;
  }

  end(atMs: number, outcome: Outcome): TimelineEvent {
    const event = { kind: 'end', atMs, outcome } as const;
    this.events.push(event);
    return event;
  }

  /** On a quiet connection with nothing unacknowledged, every segment that goes out is a probe. */
  #probed(before: TcpInfo, now: TcpInfo): boolean {
    return now.unacked === 0 && before.unacked === 0 && (now.segmentsOut ?? 0) > (before.segmentsOut ?? 0);
  }
}
