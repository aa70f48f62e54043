import type { TimeRange } from '../model/time-range.js';
import type { Traffic } from '../model/traffic.js';
import type { CompletePolicy } from '../policy.js';
import type { Middlebox } from './middlebox.js';
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

/** A policy that meets requirements after some of them are changed. */
export interface WayOut extends Proposal {
  /** The requirements that are relaxed, or given up. No fewer of them are enough. */
  readonly giveUp: readonly Requirement[];
  /**
   * The nearest value of each, with which the policy meets the others: in milliseconds for times, also for the idle timeout of
   * `behind`. `null` if it has to be given up.
   */
  readonly nearest: { readonly [name in Requirement]?: number | null };
}

/** The plan for requirements that a policy meets. */
export interface PossiblePlan {
  /** The policy with the least traffic that meets all requirements. */
  readonly best: Proposal;
  /** Why each number of the policy is what it is. */
  readonly why: readonly string[];
  /** The facts about each middlebox of the requirements, and how sure they are. */
  readonly behind: readonly Middlebox[];
  /** Policies with more traffic that are notably better in something: fewer probes for about the same outage, sooner detection, longer outages, fewer mistakes. */
  readonly alternatives: readonly Proposal[];
}

/** The plan for requirements that no policy meets. */
export interface ImpossiblePlan {
  readonly best: null;
  /** Why no policy meets all requirements, each contradiction apart. */
  readonly why: readonly string[];
  /** The facts about each middlebox of the requirements, and how sure they are. */
  readonly behind: readonly Middlebox[];
  /** Each contradiction: requirements that no policy meets together, while without any of them there is one. */
  readonly conflicts: readonly (readonly Requirement[])[];
  /** Each requirement without which the others can be met; empty if no single one stands in the way. */
  readonly giveUp: readonly Requirement[];
  /** The policies for each way to change the requirements, the fewest changes first. */
  readonly alternatives: readonly WayOut[];
}

/** The plan for requirements: a policy and others that meet them, or why there is none and what to change. */
export type Plan = PossiblePlan | ImpossiblePlan;
