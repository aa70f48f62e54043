import { setTimeout as sleep } from 'node:timers/promises';
import { canBePutBack } from '../socket/forced-probe.js';
import type { KeepAliveState } from '../socket/index.js';
import type { HostConnection, Incomplete } from './connection.js';
import { ForcedProbes } from './forced-probes.js';
import { HeldSignals } from './held-signals.js';
import type { Look } from './look.js';
import type { OptionSource, SocketReference } from './options/source.js';
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
  /** Connections as they are now, TIME_WAIT too. */
  look(connections: readonly HostConnection[]): Look;
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

/** At most this many probes for a peer that stays silent, spread over the time-out: one lost packet proves nothing. */
const mostProbes = 3;

/** How a peer may be asked once more. `held`: the options that force the probe stay until the answer. */
type Way = 'probe' | 'held probe' | 'look only';

/** Stands where they are not known, and are not changed. */
const unknownOptions: KeepAliveState = { enabled: false, idle: 0, interval: 0, count: 0, userTimeout: 0 };

/** One peer while it is being asked. */
class Interview {
  readonly connection: HostConnection;
  readonly reference: SocketReference;
  readonly before: KeepAliveState;
  readonly #mayProbe: boolean;
  #now: HostConnection;
  #probesSent = 0;
  #isMissing = false;
  isHeld = false;
  answer: PeerAnswer | undefined;

  constructor(
    connection: HostConnection,
    reference: SocketReference,
    before: KeepAliveState | undefined,
    now: HostConnection,
  ) {
    this.connection = connection;
    this.reference = reference;
    this.#mayProbe = before !== undefined && canBePutBack(before);
    this.before = before ?? unknownOptions;
    this.#now = now;
  }

  /**
   * Decides how to ask once more: never so that the kernel could take the questions for unanswered probes of its own,
   * and end a connection to which it would have sent another probe.
   *
   * Putting the options back after the idle time has passed makes the kernel probe a second time, at once.
   */
  get way(): Way {
    const { timer, unanswered } = this.#now;
    if (!this.#mayProbe || this.#probesSent >= mostProbes) return 'look only';
    // These ask by themselves, and the kernel does not probe meanwhile.
    if (timer?.kind === 'retransmission' || timer?.kind === 'persist') return 'look only';
    if (!this.before.enabled) return 'probe';
    const isProbing = (lastHeardMs(this.#now) ?? 0) >= this.before.idle;
    if (unanswered + (isProbing ? 2 : 1) < this.before.count) return 'probe';
    return unanswered === 0 && this.#probesSent === 0 ? 'held probe' : 'look only';
  }

  countProbe(way: Way): void {
    this.#probesSent += 1;
    this.isHeld = way === 'held probe';
  }

  /** Takes in what the kernel says `elapsedMs` after the question. */
  observe(now: HostConnection | undefined, elapsedMs: number): void {
    if (this.answer !== undefined) return;
    if (now === undefined) {
      // The kernel lists a chain of sockets in parts, and can skip one when another leaves the chain in between.
      if (this.#isMissing) this.#conclude('reset', elapsedMs);
      this.#isMissing = true;
      return;
    }
    this.#isMissing = false;
    if (now.state === 'CLOSE') this.#conclude('reset', elapsedMs);
    // What it takes to get there, the peer has acknowledged.
    else if (now.state === 'TIME_WAIT') this.#conclude('alive', elapsedMs);
    else {
      this.#now = now;
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

/** Why a peer cannot be asked, or `undefined`. */
function whyNotAsked({ timer }: HostConnection, before: KeepAliveState | undefined): string | undefined {
  if (timer?.kind === 'persist') return 'the peer does not read (zero window): its kernel is asked by window probes';
  if (timer?.kind === 'retransmission') return undefined;
  if (before === undefined) return 'their options could not be read, so no probe could be forced';
  if (canBePutBack(before)) return undefined;
  return 'their idle, interval or count comes from a sysctl and is more than a socket can be given back';
}

function countReasons(reasons: Iterable<string>, what: string): Incomplete[] {
  const counts = new Map<string, number>();
  for (const why of reasons) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => ({
    what: `${what} of ${count} ${count === 1 ? 'connection' : 'connections'}`,
    why,
  }));
}

interface Opening {
  readonly answers: PeerAnswer[];
  readonly interviews: Interview[];
  /** Why some cannot be asked. */
  readonly reasons: string[];
  readonly incomplete: readonly Incomplete[];
}

function open({ connections, options, reference, look }: Question): Opening {
  const references = connections.map(reference);
  const { states, incomplete } = options.read(references);
  const now = look(connections);
  const answers: PeerAnswer[] = [];
  const interviews: Interview[] = [];
  const reasons: string[] = [];
  connections.forEach((connection, index) => {
    const seen = now.get(connection.cookie) ?? connection;
    const heardMs = lastHeardMs(seen);
    const before = states.get(connection.cookie);
    const why = whyNotAsked(seen, before);
    if (heardMs !== null && heardMs < recentMs) answers.push({ connection, answer: 'alive', elapsedMs: 0 });
    else if (why !== undefined) reasons.push(why);
    else interviews.push(new Interview(connection, references[index] as SocketReference, before, seen));
  });
  return { answers, interviews, reasons, incomplete };
}

/**
 * Asks the peers of connections for a sign of life, now.
 *
 * A peer heard within the last second is alive. Any other is sent a keepalive probe at once, by setting TCP_KEEPIDLE to
 * 1 s for 20 ms; its options are then as before. With data in flight the kernel's retransmission is the question. A
 * connection that two looks in a row do not find was reset. Probes that stay unanswered count towards the connection's own
 * count, of which one is always left; where there is none to spare, the options stay changed until the answer has come
 * or the time is up. Signals that would end this process wait until all options are as before.
 *
 * @see Linux net/ipv4/tcp_timer.c, tcp_keepalive_timer; net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export async function askPeers(question: Question): Promise<Answers> {
  using signals = new HeldSignals();
  const startedAt = performance.now();
  const { answers, interviews, reasons, incomplete } = open(question);
  const probes = new ForcedProbes<Interview>(question.options);
  try {
    reasons.push(...(await converse(interviews, question, probes, startedAt, signals)));
  } finally {
    probes.putBack();
  }
  for (const { answer } of interviews) if (answer !== undefined) answers.push(answer);
  return {
    answers,
    incomplete: [
      ...incomplete,
      ...countReasons(reasons, 'the peers'),
      ...countReasons(reasonsOfLost(probes, question), 'putting back the options'),
    ],
  };
}

/** Why the options of connections that are still there are not as before. */
function reasonsOfLost({ lost }: ForcedProbes<Interview>, { look }: Question): string[] {
  if (lost.size === 0) return [];
  const now = look([...lost.keys()].map(({ connection }) => connection));
  const isThere = ({ connection: { cookie } }: Interview) => (now.get(cookie)?.state ?? 'TIME_WAIT') !== 'TIME_WAIT';
  return [...lost].filter(([interview]) => isThere(interview)).map(([, why]) => why);
}

/** Probes and looks until everyone has answered or the time is up; gives why some could not be asked. */
async function converse(
  interviews: readonly Interview[],
  { look, timeoutMs }: Question,
  probes: ForcedProbes<Interview>,
  startedAt: number,
  signals: HeldSignals,
): Promise<string[]> {
  const refused = new Map<Interview, string>();
  const elapsed = () => performance.now() - startedAt;
  const waiting = () => interviews.filter((interview) => interview.answer === undefined && !refused.has(interview));
  // Also on a machine that is slow to get to it, nobody is found silent who was asked less often.
  const isOver = (round: number) => (elapsed() >= timeoutMs && round >= mostProbes) || signals.isAskedToStop;
  for (let round = 0; waiting().length > 0 && !isOver(round); ) {
    let failures: ReadonlyMap<Interview, string> = new Map();
    if (elapsed() >= (round * timeoutMs) / mostProbes) {
      round += 1;
      failures = await askOnce(waiting(), probes);
    } else await sleep(lookEveryMs);
    const seen = look(waiting().map(({ connection }) => connection));
    const elapsedMs = elapsed();
    for (const interview of waiting()) interview.observe(seen.get(interview.connection.cookie), elapsedMs);
    for (const [interview, why] of failures) if (interview.answer === undefined) refused.set(interview, why);
    probes.putBack(({ answer }) => answer !== undefined);
  }
  for (const interview of waiting()) {
    if (signals.isAskedToStop) refused.set(interview, 'a signal came before they had answered');
    else interview.giveUp(Math.min(elapsed(), timeoutMs));
  }
  return [...refused.values()];
}

function askOnce(interviews: readonly Interview[], probes: ForcedProbes<Interview>): Promise<Map<Interview, string>> {
  const due: Interview[] = [];
  for (const interview of interviews) {
    const { way } = interview;
    if (way === 'look only') continue;
    interview.countProbe(way);
    due.push(interview);
  }
  return probes.force(due, ({ isHeld }) => isHeld);
}
