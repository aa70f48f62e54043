import type { TimeRange } from '../model/time-range.js';
import type { Traffic } from '../model/traffic.js';
import type { CompletePolicy } from '../policy.js';
import type { Requirement } from './requirements.js';

/** A policy that meets requirements, and what it comes to by the model. */
export interface Proposal {
  readonly policy: string;
  /** In milliseconds. */
  readonly numbers: CompletePolicy;
  readonly detection: { readonly idle: TimeRange; readonly inFlight: TimeRange };
  readonly traffic: Traffic;
  /** How often a day a quiet connection wakes up the radio of a device: a repeat within 10 s of a probe finds it on. */
  readonly wakeUpsPerDay: number;
  /** How often a day a healthy, quiet connection is ended by mistake. */
  readonly falseAlarmsPerDay: number;
  /** The longest outage that a quiet, healthy connection survives in any case, in milliseconds. */
  readonly toleratesMs: number;
}

/** Requirements that no policy meets. */
interface ImpossiblePlan {
  readonly best: null;
  /** Each requirement without which the others can be met; empty if no single one stands in the way. */
  readonly giveUp: readonly Requirement[];
}

/** The policy with the least traffic that meets requirements, and others that do. */
interface PossiblePlan {
  readonly best: Proposal;
  /** Why each number is what it is. */
  readonly why: readonly string[];
  /** Policies with more traffic that are notably better in something: fewer probes for about the same outage, sooner detection, longer outages, fewer mistakes. */
  readonly alternatives: readonly Proposal[];
}

/** The plan for requirements: a policy, or what to give up. */
export type Plan = PossiblePlan | ImpossiblePlan;
