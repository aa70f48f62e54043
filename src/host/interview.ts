import { setTimeout as sleep } from 'node:timers/promises';
import type { KeepAliveState } from '../socket/index.js';
import type { HostConnection, Incomplete } from './connection.js';
import type { OptionChange, OptionSource, SocketReference } from './options/source.js';
import { lastHeardMs } from './row.js';

/** What a peer said when it was asked for a sign of life. */
export type Answer = 'alive' | 'reset' | 'silent';

/** The answer of one peer. */
export interface PeerAnswer {
  readonly connection: HostConnection;
  readonly answer: Answer;
  /** From the question to the answer, or to the end of waiting; 0 where the peer had been heard just before. */
  readonly elapsedMs: number;
}

/** Connections of one network namespace to be asked. */
export interface Question {
  readonly connections: readonly HostConnection[];
  reference(connection: HostConnection): SocketReference;
  /** The connections of the namespace as they are now, by cookie; those that are gone are missing. */
  look(): ReadonlyMap<bigint, HostConnection>;
  readonly options: OptionSource;
  readonly timeoutMs: number;
}

export interface Answers {
  readonly answers: readonly PeerAnswer[];
  readonly incomplete: readonly Incomplete[];
}

/** A peer heard this recently is there; the kernel would not probe it either (its quiet time is below 1 s). */
const recentMs = 1000;

/** How often the kernel is asked whether an answer has come. */
const lookEveryMs = 20;

/** A probe goes out within a timer tick or two of being forced; putting idle back earlier would cancel it. */
const probeLeavesMs = 20;

/** At most this many probes for a peer that stays silent, spread over the time-out: one lost packet proves nothing. */
const mostProbes = 3;

/** What makes the kernel probe at once, and only then: no count or user timeout can be reached meanwhile. */
const probing: KeepAliveState = { enabled: true, idle: 1000, interval: 32_767_000, count: 127, userTimeout: 0 };

/** A connection this close to its own next probe is left to it: forcing one meanwhile would come to two. */
const ownProbeWithinMs = 100;

/** One peer while it is being asked. */
class Interview {
  readonly connection: HostConnection;
  readonly reference: SocketReference;
  readonly before: KeepAliveState;
  probesSent = 0;
  answer: PeerAnswer | undefined;
  #seen: HostConnection;

  constructor(connection: HostConnection, now: HostConnection, reference: SocketReference, before: KeepAliveState) {
    this.connection = connection;
    this.reference = reference;
    this.before = before;
    this.#seen = now;
  }

  /** Whether one of its count is left after another probe, so that the kernel's own next one can still save it. */
  get mayBeProbed(): boolean {
    if (this.probesSent >= mostProbes) return false;
    const unanswered = this.#seen.info?.probes ?? 0;
    return !this.before.enabled || unanswered === 0 || unanswered + 1 < this.before.count;
  }

  /**
   * What makes the kernel send one probe. Where its own are due, setting idle to what it is does: with anything else,
   * setting it back would send a second one, or end a connection whose count has been reached.
   */
  get question(): KeepAliveState {
    const isDue = this.before.enabled && (lastHeardMs(this.#seen) ?? 0) + ownProbeWithinMs >= this.before.idle;
    return isDue ? this.before : probing;
  }

  /** Takes in what the kernel says `elapsedMs` after the question. */
  observe(now: HostConnection | undefined, elapsedMs: number): void {
    if (this.answer !== undefined) return;
    if (now !== undefined) this.#seen = now;
    if (now === undefined || now.state === 'CLOSE') this.#conclude('reset', elapsedMs);
    else {
      const heardMs = lastHeardMs(now);
      if (heardMs !== null && heardMs < elapsedMs) this.#conclude('alive', elapsedMs - heardMs);
    }
  }

  giveUp(elapsedMs: number): void {
    if (this.answer === undefined) this.#conclude('silent', elapsedMs);
  }

  #conclude(answer: Answer, elapsedMs: number): void {
    this.answer = { connection: this.connection, answer, elapsedMs: Math.round(elapsedMs) };
  }
}

/** Sets options on many sockets and gives the cookies of those on which it failed. */
function write(options: OptionSource, changes: readonly OptionChange[]): Map<bigint, string> {
  const failures = new Map<bigint, string>();
  if (changes.length === 0) return failures;
  for (const { cookie, error } of options.write(changes)) if (error !== undefined) failures.set(cookie, error);
  return failures;
}

/** Has the kernel send one probe for each, and puts its options back. Gives those that could not be probed, and why. */
async function probe(options: OptionSource, interviews: readonly Interview[]): Promise<Map<bigint, string>> {
  const questions = new Map(interviews.map((interview) => [interview, interview.question]));
  const failures = write(
    options,
    Array.from(questions, ([{ reference }, wanted]) => ({ socket: reference, wanted })),
  );
  const probed = interviews.filter(({ reference }) => !failures.has(reference.cookie));
  const changed = probed.filter((interview) => questions.get(interview) === probing);
  try {
    await sleep(probeLeavesMs);
  } finally {
    write(
      options,
      changed.map(({ reference, before }) => ({ socket: reference, wanted: before })),
    );
  }
  for (const interview of probed) interview.probesSent += 1;
  return failures;
}

/** With data in flight the kernel retransmits instead of probing; a peer that does not read is asked only rarely. */
function whyNotProbed({ timer }: HostConnection): string | undefined {
  return timer?.kind === 'persist'
    ? 'the peer does not read (zero window): its kernel is asked by window probes'
    : undefined;
}

function countReasons(reasons: Iterable<string>, what: (count: number) => string): Incomplete[] {
  const counts = new Map<string, number>();
  for (const why of reasons) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => ({ what: what(count), why }));
}

function unasked(count: number): string {
  return `the peers of ${count} ${count === 1 ? 'connection' : 'connections'}`;
}

/**
 * Asks the peers of connections for a sign of life, now.
 *
 * A peer heard within the last second is alive. Any other is sent a keepalive probe at once, by setting TCP_KEEPIDLE to
 * 1 s for 20 ms, or where its own probes are due to what it is; its options are then as before. With data in flight the
 * kernel's retransmission is the question. A connection that is gone at the next look was reset. Probes that stay
 * unanswered count towards the connection's own count, of which one is left; only a count of 1 leaves none.
 *
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer; net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export async function askPeers(question: Question): Promise<Answers> {
  const { connections, options, timeoutMs } = question;
  const references = new Map(connections.map((connection) => [connection.cookie, question.reference(connection)]));
  const { states, incomplete } = options.read([...references.values()]);
  const reasons: string[] = [];
  const interviews: Interview[] = [];
  const startedAt = performance.now();
  const elapsed = () => performance.now() - startedAt;
  const now = question.look();
  const answers: PeerAnswer[] = [];
  for (const connection of connections) {
    const seen = now.get(connection.cookie) ?? connection;
    const heardMs = lastHeardMs(seen);
    const before = states.get(connection.cookie);
    const why = whyNotProbed(seen);
    if (heardMs !== null && heardMs < recentMs) answers.push({ connection, answer: 'alive', elapsedMs: 0 });
    else if (before === undefined) reasons.push('their options could not be read, so no probe could be forced');
    else if (why !== undefined) reasons.push(why);
    else {
      const reference = references.get(connection.cookie) as SocketReference;
      interviews.push(new Interview(connection, seen, reference, before));
    }
  }
  reasons.push(...(await converse(interviews, question, elapsed)));
  for (const interview of interviews) {
    interview.giveUp(Math.min(elapsed(), timeoutMs));
    if (interview.answer !== undefined) answers.push(interview.answer);
  }
  return { answers, incomplete: [...incomplete, ...countReasons(reasons, unasked)] };
}

/** Probes and looks until everyone has answered or the time is up; gives why some could not be asked. */
async function converse(
  interviews: Interview[],
  { look, options, timeoutMs }: Question,
  elapsed: () => number,
): Promise<string[]> {
  const failures: string[] = [];
  const open = () => interviews.filter(({ answer }) => answer === undefined);
  for (let round = 0; open().length > 0 && elapsed() < timeoutMs; ) {
    if (elapsed() >= (round * timeoutMs) / mostProbes) {
      round += 1;
      const due = open().filter((interview) => interview.mayBeProbed);
      const refused = await probe(options, due);
      for (const interview of due) {
        const why = refused.get(interview.reference.cookie);
        if (why === undefined) continue;
        interviews.splice(interviews.indexOf(interview), 1);
        failures.push(why);
      }
    } else await sleep(lookEveryMs);
    const seen = look();
    const elapsedMs = elapsed();
    for (const interview of open()) interview.observe(seen.get(interview.connection.cookie), elapsedMs);
  }
  return failures;
}
