import { idleDetection, probeTime } from '../model/detection-time.js';
import { falseAlarm } from '../model/false-alarm.js';
import { probesOnKernels } from '../model/quiet-death.js';
import { type CompletePolicy, limits } from '../policy.js';
import type { Middlebox } from './middlebox.js';
import { radioTailMs } from './radio.js';
import type { ReadRequirements } from './requirements.js';

/** The policies among which the best is looked for. All have a user timeout, and repeat a lost probe. */
interface Scope {
  readonly mostCount: number;
  readonly mostIntervalMs: number;
  /** The longest idle time without a time to detect in, in milliseconds. */
  readonly mostIdleMs: number;
}

/** No idle time and interval is longer than that of the kernel's defaults, and a lost peer costs no more probes than these. */
const usual: Scope = { mostCount: 12, mostIntervalMs: 75_000, mostIdleMs: 7_200_000 };

const widest: Scope = {
  mostCount: limits.count.max,
  mostIntervalMs: limits.interval.max,
  mostIdleMs: limits.idle.max,
};

/** Each scope is for requirements that no policy of the ones before meets. */
const scopes: readonly Scope[] = [
  usual,
  { ...usual, mostCount: widest.mostCount },
  { ...widest, mostIdleMs: usual.mostIdleMs },
  { ...usual, mostIdleMs: widest.mostIdleMs },
  widest,
];

/** Intervals of more than 100 s are tried in steps of about 1 %, beginning with the shortest that is possible. */
const intervalResolution = 0.01;

const leastCount = 2;

/** Idle time, interval and user timeout of a plan are whole seconds. */
const stepMs = 1000;

const roundedUp = (ms: number) => Math.ceil(ms / stepMs) * stepMs;
const roundedDown = (ms: number) => Math.floor(ms / stepMs) * stepMs;

/** Returns the longest time from one to the other for which a condition holds that a longer one makes false. */
function longest(fromMs: number, toMs: number, holds: (ms: number) => boolean): number | undefined {
  if (fromMs > toMs || !holds(fromMs)) return undefined;
  let least = fromMs / stepMs;
  let most = Math.floor(toMs / stepMs);
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (holds(middle * stepMs)) least = middle;
    else most = middle - 1;
  }
  return least * stepMs;
}

/**
 * Returns a policy with the shortest user timeout that lets the kernel send all probes, however late its timers are: `auto` where it
 * does. With a long idle time timers are later than all intervals take, and `auto` would end a connection at one lost probe.
 */
export function withUserTimeout(idle: number, interval: number, count: number): CompletePolicy {
  const auto = { idle, interval, count, userTimeout: idle + interval * count };
  if (probesOnKernels(auto).fewest >= count) return auto;
  const lastProbeMs = probeTime({ idle, interval, count }, count).latestMs;
  const long = { ...auto, userTimeout: roundedUp(lastProbeMs + 1) };
  return probesOnKernels(long).fewest >= count ? long : { ...long, userTimeout: long.userTimeout + stepMs };
}

/** Returns the idle timeout of a middlebox that probes can keep from expiring; 0 if that is not certain. */
export function certainTimeoutMs({ timeoutMs, keepAliveCounts }: Middlebox): number {
  return keepAliveCounts === true && timeoutMs !== null ? timeoutMs : 0;
}

/** Returns the idle timeout that probes must beat behind all of these middleboxes. */
export function leastTimeoutMs(behind: readonly Middlebox[]): number {
  return behind.reduce((least, box) => Math.min(least, certainTimeoutMs(box)), Number.POSITIVE_INFINITY);
}

/** The policies of one count that meet requirements. Times are in milliseconds. */
class PoliciesOfCount {
  readonly #count: number;
  readonly #required: ReadRequirements;
  /** The timeout that the first probe and one repeat must beat. */
  readonly #keptMs: number;
  readonly #mostIdleMs: number;
  readonly #mostIntervalMs: number;
  /** Shorter idle times send more packets than are allowed. */
  readonly #leastIdleMs: number;

  constructor(count: number, required: ReadRequirements, { mostIdleMs, mostIntervalMs }: Scope) {
    const { detectWithinMs, behind, connections, maxPacketsPerSecond } = required;
    this.#count = count;
    this.#required = required;
    this.#keptMs = leastTimeoutMs(behind);
    this.#mostIdleMs = Number.isFinite(detectWithinMs) ? Math.min(limits.idle.max, detectWithinMs) : mostIdleMs;
    this.#mostIntervalMs = mostIntervalMs;
    // A probe and its answer.
    this.#leastIdleMs = Math.max(stepMs, roundedUp((2000 * connections) / maxPacketsPerSecond));
  }

  /** Finds policies, each with a longer idle time than the one before; the last has the longest. */
  *find(): Generator<CompletePolicy> {
    let leastIdle = this.#leastIdleMs;
    const leastInterval = Math.max(stepMs, roundedUp(this.#required.tolerateMs / (this.#count - 1)));
    for (const interval of this.#calmIntervals(leastInterval, this.#mostInterval(leastIdle))) {
      if (!this.#canBeInTime(Math.max(leastIdle, interval), interval)) break;
      const policy = this.#withInterval(interval, leastIdle);
      if (policy === undefined) continue;
      yield policy;
      leastIdle = policy.idle + stepMs;
    }
  }

  /** Returns the longest interval with an idle time, if no timer is late. */
  #mostInterval(leastIdle: number): number {
    const { detectWithinMs } = this.#required;
    if (leastIdle > this.#mostIdleMs) return 0;
    return roundedDown(
      Math.min(
        this.#mostIntervalMs,
        this.#mostIdleMs,
        (detectWithinMs - leastIdle) / this.#count,
        detectWithinMs / (this.#count + 1),
        this.#keptMs - leastIdle,
        this.#keptMs / 2,
        limits.userTimeout.max / (this.#count + 1),
      ),
    );
  }

  /** Returns the longest idle time with an interval, if no timer is late. */
  #mostIdle(interval: number): number {
    const { detectWithinMs } = this.#required;
    return Math.min(this.#mostIdleMs, detectWithinMs - interval * this.#count, this.#keptMs - interval);
  }

  #isCalm(idle: number, interval: number): boolean {
    const { maxFalse, path } = this.#required;
    return (
      maxFalse === Number.POSITIVE_INFINITY ||
      falseAlarm({ idle, interval, count: this.#count }, path).perDay <= maxFalse
    );
  }

  /**
   * Finds the intervals with which a healthy connection may be ended seldom enough, the shortest first. The longer the idle time or
   * the interval, the more seldom: a range is left out as a whole if the longest of both is not enough.
   */
  *#calmIntervals(least: number, most: number): Generator<number> {
    if (least > most || !this.#isCalm(this.#mostIdle(least), most)) return;
    if (most - least < least * intervalResolution) {
      yield least;
      return;
    }
    const middle = roundedDown((least + most) / 2);
    yield* this.#calmIntervals(least, middle);
    yield* this.#calmIntervals(middle + stepMs, most);
  }

  #withInterval(interval: number, leastIdle: number): CompletePolicy | undefined {
    const mostIdle = roundedDown(this.#mostIdle(interval));
    const from = Math.max(leastIdle, interval);
    const tooShort = longest(from, mostIdle, (idle) => !this.#isCalm(idle, interval));
    const at = (idle: number) => withUserTimeout(idle, interval, this.#count);
    const idle = longest(tooShort === undefined ? from : tooShort + stepMs, mostIdle, (ms) => this.#isInTime(at(ms)));
    return idle === undefined ? undefined : at(idle);
  }

  /** Returns whether a policy may be in time: if not, none with a longer idle time or a longer interval is. */
  #canBeInTime(idle: number, interval: number): boolean {
    const { userTimeout = 0 } = withUserTimeout(idle, interval, this.#count);
    // Without a user timeout, a lost peer is noticed as soon as with one, or sooner.
    const isInTime = this.#isInTime({ idle, interval, count: this.#count });
    return interval <= this.#mostInterval(idle) && userTimeout <= limits.userTimeout.max && isInTime;
  }

  /** Returns whether a policy is in time: what a shorter idle time makes true. */
  #isInTime(policy: CompletePolicy): boolean {
    const { detectWithinMs } = this.#required;
    const isKept = this.#keptMs === Number.POSITIVE_INFINITY || probeTime(policy, 2).latestMs < this.#keptMs;
    const isNoticed = detectWithinMs === Number.POSITIVE_INFINITY || idleDetection(policy).latestMs <= detectWithinMs;
    return isKept && isNoticed && (policy.userTimeout ?? 0) <= limits.userTimeout.max;
  }
}

function policiesOfCounts(scope: Scope, required: ReadRequirements): PoliciesOfCount[] {
  if (leastTimeoutMs(required.behind) === 0) return [];
  const counts = Array.from({ length: scope.mostCount - leastCount + 1 }, (_, at) => leastCount + at);
  return counts.map((count) => new PoliciesOfCount(count, required, scope));
}

/** Returns of each count the policy with the longest idle time; of more than 12 probes, only the one with the fewest. */
function bestOfCounts(scope: Scope, required: ReadRequirements): CompletePolicy[] {
  const found: CompletePolicy[] = [];
  for (const policies of policiesOfCounts(scope, required)) {
    const best = [...policies.find()].at(-1);
    if (best !== undefined) found.push(best);
    if (best !== undefined && best.count >= usual.mostCount) break;
  }
  return found;
}

/**
 * Returns of each count the policy with the longest idle time that meets requirements; for a battery, also the one of those whose
 * repeats leave while the radio is on. Considers more than 12 probes, an interval of more than 75 s, and without a time to detect in an
 * idle time of more than 2 h, only if there is no other policy.
 */
export function findPolicies(required: ReadRequirements): CompletePolicy[] {
  for (const scope of scopes) {
    const mostIntervalMs = Math.min(scope.mostIntervalMs, radioTailMs);
    const whileRadioIsOn = required.isOnBattery ? bestOfCounts({ ...scope, mostIntervalMs }, required) : [];
    const found = [...whileRadioIsOn, ...bestOfCounts(scope, required)];
    if (found.length > 0) return found;
  }
  return [];
}

/** Returns whether a policy meets requirements. */
export function canMeet(required: ReadRequirements): boolean {
  return policiesOfCounts(widest, required).some((policies) => !policies.find().next().done);
}
