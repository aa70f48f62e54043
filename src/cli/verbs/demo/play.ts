import { descriptorOf } from '../../../node/handle.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { readTcpInfo } from '../../../socket/tcp-info.js';
import { abortSocket } from '../../../testing/abort-socket.js';
import { type CrashedPeer, crashPeer } from '../../../testing/index.js';
import { silentMsOf } from '../../../wire/tcp-info/decode.js';
import type { Connection, Outcome, Scenario, ScenarioResult } from './scenario.js';
import { Timeline, type TimelineEvent } from './timeline.js';

/** How far outside its predicted range a measurement may fall. */
export const toleranceMs = 500;

function tcpInfoOf({ server }: Connection) {
  const fd = descriptorOf(server);
  return fd === undefined ? undefined : readTcpInfo(fd);
}

/** One scenario while it is being played on one connection. */
export class Play {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly #connection: Connection;
  readonly #policy: CompletePolicy;
  readonly #onEvent: (event: TimelineEvent) => void;
  #due: { readonly atMs: number; readonly action: () => void }[] = [];
  readonly #crashes: CrashedPeer[] = [];
  #startedAt: number;
  #error: NodeJS.ErrnoException | undefined;
  #isOver = false;

  constructor(
    scenario: Scenario,
    connection: Connection,
    policy: CompletePolicy,
    onEvent: (play: Play, event: TimelineEvent) => void,
  ) {
    const info = tcpInfoOf(connection);
    if (info === undefined) throw new Error(`the connection of '${scenario.name}' closed before the scenario began`);
    this.scenario = scenario;
    this.timeline = new Timeline(info);
    this.#connection = connection;
    this.#policy = policy;
    this.#onEvent = (event) => onEvent(this, event);
    this.#startedAt = performance.now() - silentMsOf(info);
    const { server } = connection;
    server.on('error', (error) => {
      this.#error = error;
    });
    server.on('end', () => this.#end('closed'));
    server.on('close', () => this.#end(this.#error?.code === 'ECONNRESET' ? 'reset' : this.#error ? 'dead' : 'closed'));
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  start(): void {
    this.scenario.play({
      connection: this.#connection,
      policy: this.#policy,
      crash: () => {
        const crashed = crashPeer(this.#connection.client);
        this.#crashes.push(crashed);
        return crashed;
      },
      after: (delayMs, action) => {
        this.#due.push({ atMs: this.elapsedMs + delayMs, action });
      },
      startClock: () => {
        this.#startedAt = performance.now();
      },
    });
  }

  /** Takes the steps that are due by now, and asks the kernel for events since the last call. */
  observe(): void {
    const due = this.#due.filter(({ atMs }) => atMs <= this.elapsedMs);
    this.#due = this.#due.filter((later) => !due.includes(later));
    for (const { action } of due) action();
    if (this.timeline.outcome !== undefined) return;
    const info = tcpInfoOf(this.#connection);
    if (info === undefined) return;
    for (const event of this.timeline.observe(this.elapsedMs, info)) this.#onEvent(event);
  }

  /** Ends the scenario and returns its result. A connection that has not ended must still be ESTABLISHED. */
  finish(): ScenarioResult {
    this.#isOver = true;
    const { name } = this.scenario;
    const expected = this.scenario.expected(this.#policy);
    const end = this.timeline.events.at(-1);
    if (end?.kind === 'end') return { name, outcome: end.outcome, expected, detectedMs: Math.round(end.atMs) };
    const isEstablished = tcpInfoOf(this.#connection)?.state === 'ESTABLISHED';
    return { name, outcome: isEstablished ? 'established' : 'dead', expected, detectedMs: null };
  }

  /** Closes both ends so that no kernel goes on retransmitting. */
  close(): void {
    // Effects of closing the sockets are no part of the scenario.
    this.#isOver = true;
    for (const crashed of this.#crashes) crashed.revive();
    for (const socket of [this.#connection.server, this.#connection.client]) {
      socket.removeAllListeners('error').on('error', () => {});
      abortSocket(socket);
    }
  }

  #end(outcome: Outcome): void {
    if (!this.#isOver && this.timeline.outcome === undefined) this.#onEvent(this.timeline.end(this.elapsedMs, outcome));
  }
}

/** Returns whether a result is the scenario's outcome, within its predicted range or close to it. */
export function isAsPredicted(scenario: Scenario, { outcome, expected, detectedMs }: ScenarioResult): boolean {
  if (outcome !== scenario.outcome) return false;
  if (expected === null || detectedMs === null) return expected === null && detectedMs === null;
  return detectedMs >= expected.earliestMs - toleranceMs && detectedMs <= expected.latestMs + toleranceMs;
}
