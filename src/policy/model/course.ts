import type { ConnectionError, EventKind, ForgetfulMiddlebox, Outcome, Report, Scenario } from './scenario.js';
import { at, hull, never, overlap, type TimeRange } from './time-range.js';
import { type Fired, firedBefore, mergeWaits, type Wait, type Waits } from './waits.js';
import { beginning, heardAt, placed, type World } from './world.js';

/** The wait of a connection, at the moments of its timeline. */
interface PlacedWait {
  sent(nth: number): TimeRange;
  readonly sends: Fired;
  /** How many packets were sent before the moment from which on it is looked at. */
  readonly before: Fired;
  readonly end: TimeRange;
}

const packets = { quiet: 'probe', 'in-flight': 'retransmission', 'window-closed': 'window-probe' } as const;

/** Follows one connection from event to event. What happens between two events is computed, however long that takes. */
class Course {
  readonly #waits: Waits;
  readonly #middlebox: ForgetfulMiddlebox | undefined;
  readonly #report: Report | undefined;
  readonly #errors: ConnectionError[] = [];
  #death: TimeRange | undefined;
  #worlds = beginning;

  constructor(waits: Waits, middlebox: ForgetfulMiddlebox | undefined, report: Report | undefined) {
    this.#waits = waits;
    this.#middlebox = middlebox;
    this.#report = report;
  }

  get outcome(): Outcome {
    const verdict = this.#death === undefined ? 'alive' : this.#worlds.length === 0 ? 'dead' : 'either';
    return { verdict, errors: this.#errors, death: this.#death ?? never };
  }

  /** Lets the kernel act between two moments. */
  pass(from: number, to: number): void {
    if (to > from) this.#become((world) => this.#passed(world, from, to));
  }

  /** Lets something happen at a moment. */
  event(what: EventKind, atMs: number): void {
    if (this.#worlds.length === 0) return;
    this.#report?.({ step: what, ...at(atMs), isCertain: this.#death === undefined });
    this.#become((world) => this.#after(world, what, atMs));
  }

  /** Lets the program write so many times, each after a period that begins at `from` or ends the one before. */
  heartbeats(from: number, everyMs: number, times: number): void {
    if (this.#worlds.length === 0) return;
    if (this.#middlebox !== undefined && everyMs >= this.#middlebox.timeoutMs) {
      for (let nth = 1; nth <= times; nth += 1) {
        this.pass(from + (nth - 1) * everyMs, from + nth * everyMs);
        this.event('write', from + nth * everyMs);
      }
      return;
    }
    const to = from + times * everyMs;
    const writes = { earliestMs: from + everyMs, latestMs: to };
    this.#report?.({
      step: 'write',
      ...writes,
      times: { fewest: times, most: times },
      isCertain: this.#death === undefined,
    });
    this.#become((world) => {
      if (world.phase !== 'quiet' || !world.isAnswered) return this.#passed(world, from, to);
      const { fewest, most } = this.#answers(at(0), everyMs);
      this.#reportAnswered(world, { earliestMs: from, latestMs: to }, { fewest: fewest * times, most: most * times });
      return [world];
    });
    // Of the writes, none but the last matters.
    this.#become((world) => this.#after(world, 'write', to));
  }

  /** Replaces each world by those that follow from it. There is mostly one. */
  #become(follow: (world: World) => readonly World[]): void {
    const [only] = this.#worlds;
    if (only === undefined) return;
    this.#worlds = this.#worlds.length === 1 ? follow(only) : this.#worlds.flatMap(follow);
  }

  #dies({ isCertain }: World, range: TimeRange, error: ConnectionError): void {
    if (!this.#errors.includes(error)) this.#errors.push(error);
    this.#death = hull(this.#death, range);
    this.#report?.({ step: 'dead', ...range, isCertain });
  }

  #after(world: World, what: EventKind, atMs: number): readonly World[] {
    switch (what) {
      case 'vanish':
      case 'reboot': {
        if (world.isForgotten) return [world];
        const lost = { ...world, peer: what === 'vanish' ? 'gone' : 'rebooted', isAnswered: false } as const;
        return [world.isAnswered ? { ...lost, answeredUntilMs: atMs } : lost];
      }
      case 'return':
        return [world.isForgotten ? world : { ...world, peer: 'there' }];
      case 'resume-reading':
        return [world.phase === 'window-closed' && world.peer === 'there' ? heardAt(world, at(atMs)) : world];
      default:
        return world.phase === 'quiet' ? this.#afterWriting(world, what, atMs) : [world];
    }
  }

  #afterWriting(world: World, what: 'write' | 'stop-reading', atMs: number): readonly World[] {
    const since = at(atMs);
    if (world.peer === 'there') {
      const heard = heardAt(world, since);
      return [what === 'write' ? heard : { ...heard, phase: 'window-closed' }];
    }
    if (world.peer === 'gone') return [{ ...world, phase: 'in-flight', since }];
    this.#dies(world, since, 'ECONNRESET');
    return [];
  }

  #passed(world: World, from: number, to: number): readonly World[] {
    const { phase, isAnswered } = world;
    if (phase === 'quiet' && isAnswered && this.#middlebox !== undefined) {
      return this.#throughMiddlebox(world, this.#middlebox, to);
    }
    if (phase === 'quiet' && this.#waits.quiet.death.earliestMs === Number.POSITIVE_INFINITY) return [world];
    if (isAnswered) return phase === 'quiet' ? [this.#answering(world, to)] : this.#stalled(world, from, to);
    const wait = this.#placedWait(world, from);
    return world.peer === 'gone' ? this.#gone(world, wait, from, to) : this.#awaiting(world, wait, from, to);
  }

  #reportAnswered(world: World, range: TimeRange, times: Fired): void {
    if (times.most === 0) return;
    const isCertain = world.isCertain && times.fewest > 0;
    this.#report?.({ step: packets[world.phase], ...range, times, isCertain });
  }

  /** How many probes a peer answers until a moment that was heard in `since`. */
  #answers(since: TimeRange, to: number): Fired {
    const { earliestMs, latestMs } = this.#waits.quiet.timer(1);
    return {
      fewest: Math.max(0, Math.floor((to - since.latestMs) / latestMs)),
      most: Math.floor((to - since.earliestMs) / earliestMs),
    };
  }

  /** A quiet connection whose peer answers each probe. */
  #answering(world: World, to: number): World {
    const { since } = world;
    const { earliestMs, latestMs } = this.#waits.quiet.timer(1);
    if (to === Number.POSITIVE_INFINITY) return world;
    const { fewest, most } = this.#answers(since, to);
    const probes = {
      earliestMs: since.earliestMs + earliestMs,
      latestMs: Math.min(to, since.latestMs + most * latestMs),
    };
    this.#reportAnswered(world, probes, { fewest, most });
    const heard = {
      earliestMs: Math.max(since.earliestMs + fewest * earliestMs, to - latestMs),
      latestMs: Math.max(since.latestMs, probes.latestMs),
    };
    return most === 0 ? world : { ...world, since: heard };
  }

  /** A quiet connection whose peer answers, unless the middlebox forgets the connection before the next probe. */
  #throughMiddlebox(world: World, { timeoutMs, onExpiry }: ForgetfulMiddlebox, to: number): readonly World[] {
    const next = this.#waits.quiet.timer(1);
    const { earliestMs, latestMs } = world.since;
    if (next.latestMs < timeoutMs || earliestMs + timeoutMs >= to) return [this.#answering(world, to)];
    const isAtOnce = next.earliestMs >= timeoutMs;
    const isSure = isAtOnce && latestMs + timeoutMs <= to;
    const branch = { ...world, isCertain: world.isCertain && isSure };
    const kept = isSure ? [] : [this.#answering(branch, to)];
    const since = { earliestMs, latestMs: isAtOnce ? Math.min(latestMs, to - timeoutMs) : to - timeoutMs };
    const forgotten = { earliestMs: earliestMs + timeoutMs, latestMs: since.latestMs + timeoutMs };
    this.#report?.({ step: 'forgotten', ...forgotten, isCertain: branch.isCertain });
    if (onExpiry === 'closes') {
      this.#dies(branch, forgotten, 'closed');
      return kept;
    }
    const peer = onExpiry === 'silent' ? 'gone' : 'rebooted';
    const lost = { ...branch, peer, since, isAnswered: false, isForgotten: true } as const;
    const from = forgotten.earliestMs;
    return [...kept, ...this.#passed({ ...lost, answeredUntilMs: from }, from, to)];
  }

  /** A connection whose peer has closed its window and answers each window probe. Only the user timeout can end it. */
  #stalled(world: World, from: number, to: number): readonly World[] {
    const { timer } = this.#waits.windowClosed(0);
    const death = placed(world, this.#waits.windowTimeout, 0);
    const canStay = death.latestMs > to;
    const branch = { ...world, isCertain: world.isCertain && !(canStay && death.earliestMs < to) };
    if (death.earliestMs < to) this.#dies(branch, overlap(death, from, to), 'ETIMEDOUT');
    const end = Math.min(to, death.latestMs);
    if (end === Number.POSITIVE_INFINITY) return [world];
    const windowProbes = firedBefore((nth) => placed(world, timer(nth), 0), end, end);
    const { earliestMs } = placed(world, timer(1), 0);
    this.#reportAnswered(world, { earliestMs, latestMs: end }, windowProbes);
    return canStay ? [{ ...branch, windowProbes }] : [];
  }

  #waitOf({ phase, windowProbes: { fewest, most } }: World): Wait {
    if (phase === 'quiet') return this.#waits.quiet;
    if (phase === 'in-flight') return this.#waits.inFlight;
    const wait = this.#waits.windowClosed(fewest);
    return fewest === most ? wait : mergeWaits(wait, this.#waits.windowClosed(most));
  }

  /** Places the wait of a connection with something unanswered: it is where it is `from` a moment on. */
  #placedWait(world: World, from: number): PlacedWait {
    const { timer, gap, death, sends } = this.#waitOf(world);
    const sent = (nth: number) => placed(world, timer(nth), gap(nth));
    return {
      sent,
      sends,
      before: firedBefore(sent, from, from, sends.most),
      end: overlap(placed(world, death, gap(sends.fewest + 1)), from, Number.POSITIVE_INFINITY),
    };
  }

  /** Reports what is sent until a moment, but not what can have been sent before: that is reported already. */
  #reportSent(world: World, { sent, sends, before }: PlacedWait, last: number, to: number): void {
    for (let number = before.most + 1; number <= last; number += 1) {
      const range = sent(number);
      if (range.earliestMs >= to) return;
      const isCertain = world.isCertain && number <= sends.fewest && range.latestMs <= to;
      this.#report?.({ step: packets[world.phase], number, ...range, isCertain });
    }
  }

  /** A connection that nobody answers. */
  #gone(world: World, wait: PlacedWait, from: number, to: number): readonly World[] {
    const { end, sends } = wait;
    this.#reportSent(world, wait, sends.most, to);
    if (end.earliestMs >= to) return [world];
    const canStay = end.latestMs > to;
    const branch = { ...world, isCertain: world.isCertain && !canStay };
    this.#dies(branch, overlap(end, from, to), 'ETIMEDOUT');
    return canStay ? [branch] : [];
  }

  /** A connection whose next packet will be answered, with RST if the peer has forgotten it. */
  #awaiting(world: World, wait: PlacedWait, from: number, to: number): readonly World[] {
    const { sent, sends, before, end } = wait;
    // The next packet is one of these; the last of them may be due only when the connection has ended.
    const last = Math.min(sends.most, before.most + 1);
    this.#reportSent(world, wait, last, to);
    let answer: TimeRange | undefined;
    for (let nth = before.fewest + 1; nth <= last; nth += 1) answer = hull(answer, sent(nth));
    const canEnd = before.most >= sends.fewest;
    const isHeard = answer !== undefined && answer.earliestMs < to;
    const dies = canEnd && end.earliestMs < to;
    const stays = Math.max(answer?.latestMs ?? 0, canEnd ? end.latestMs : 0) > to;
    const isOnly = [isHeard, dies, stays].filter(Boolean).length === 1;
    const branch = { ...world, isCertain: world.isCertain && isOnly };

    if (dies) this.#dies(branch, overlap(end, from, to), 'ETIMEDOUT');
    const staying = stays ? [branch] : [];
    if (!isHeard) return staying;
    const range = overlap(answer as TimeRange, from, to);
    if (world.peer === 'rebooted') {
      this.#dies(branch, range, 'ECONNRESET');
      return staying;
    }
    // A window probe and its answer leave the window closed.
    const heard = world.phase === 'window-closed' ? { ...branch, isAnswered: true } : heardAt(branch, range);
    return [...staying, ...this.#passed(heard, range.latestMs, to)];
  }
}

/** Lets a connection pass the time until a moment, with the program's heartbeat. */
function advance(course: Course, from: number, to: number, everyMs = Number.POSITIVE_INFINITY): void {
  const first = (Math.floor(from / everyMs) + 1) * everyMs;
  if (first === Number.POSITIVE_INFINITY || first > to) {
    course.pass(from, to);
    return;
  }
  course.pass(from, first);
  course.event('write', first);
  const more = to === Number.POSITIVE_INFINITY ? 0 : Math.floor((to - first) / everyMs);
  if (more > 0) course.heartbeats(first, everyMs, more);
  course.pass(first + more * everyMs, to);
}

/** Computes how a connection ends on which a scenario is played. `report` takes each packet and event, in no order. */
export function followConnection(waits: Waits, scenario: Scenario, report?: Report): Outcome {
  const { events, everyMs, middlebox, untilMs = Number.POSITIVE_INFINITY } = scenario;
  const course = new Course(waits, middlebox, report);
  let now = 0;
  for (const { atMs, what } of events) {
    if (atMs > untilMs) break;
    advance(course, now, atMs, everyMs);
    course.event(what, atMs);
    now = atMs;
  }
  advance(course, now, untilMs, everyMs);
  return course.outcome;
}
