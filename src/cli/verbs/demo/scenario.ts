import type net from 'node:net';
import type { TimeRange } from '../../../policy/model/time-range.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import type { CrashedPeer } from '../../../testing/index.js';

/** What the server learnt of a connection by the end. */
export type Outcome = 'closed' | 'reset' | 'dead' | 'established';

/** Both ends of one connection of the demo. */
export interface Connection {
  /** The peer's end. */
  readonly client: net.Socket;
  /** The end under the policy. */
  readonly server: net.Socket;
}

/** What a scenario does to a connection, at times counted from its start. */
export interface Stage {
  readonly connection: Connection;
  readonly policy: CompletePolicy;
  /** Makes the peer vanish; it is brought back, at the latest, when the demo ends. */
  crash(): CrashedPeer;
  /** Runs `action` later, unless the demo has ended by then. */
  after(delayMs: number, action: () => void): void;
  /** Starts the clock anew, where it does not start with the peer's last segment. */
  startClock(): void;
}

/** One thing that can happen to a peer, and what the server should then see. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** What is expected where there is nothing to time. */
  readonly untimed?: 'survives' | 'goes unnoticed';
  /** When the server should learn of it; `null` when it should not. */
  expected(policy: CompletePolicy): TimeRange | null;
  play(stage: Stage): void;
}

/** What happened in one scenario, as `--json` prints it. */
export interface ScenarioResult {
  readonly name: string;
  readonly outcome: Outcome;
  readonly expected: TimeRange | null;
  readonly detectedMs: number | null;
}

/** What the demo found, as `--json` prints it. */
export interface DemoReport {
  readonly policy: CompletePolicy;
  readonly scenarios: readonly ScenarioResult[];
  /** Whether every outcome is the expected one, at a time that was predicted. */
  readonly ok: boolean;
}
