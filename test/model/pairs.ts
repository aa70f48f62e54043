import { parsePolicy } from '../../src/index.js';
import type { ConnectionEvent, EventKind, Scenario } from '../../src/policy/model/scenario.js';
import { type Timeline, timeline } from '../../src/policy/model/timeline.js';
import { randomFrom } from '../random.js';

/** A policy, and what happens to a connection that has it. */
export interface Pair {
  readonly kind: string;
  readonly policy: string;
  readonly scenario: Scenario;
  /** The sysctl net.ipv4.tcp_retries2. */
  readonly retries2: number;
  /** TCP_RTO_MAX_MS of the connection, from Linux 6.15 on. */
  readonly rtoMax?: number;
}

/** The numbers of keepalive of a pair. */
export function settingsOf({ policy, rtoMax }: Pair) {
  return { ...parsePolicy(policy), ...(rtoMax === undefined ? {} : { rtoMax }) };
}

/** What the model says of a pair, or of the same pair with other moments. */
export function predict(pair: Pair, scenario: Scenario = pair.scenario): Timeline {
  return timeline(settingsOf(pair), scenario, { retries2: pair.retries2 });
}

const random = randomFrom(13);
const oneOf = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
/** A moment between two, in quarters of a second. */
const moment = (fromMs: number, toMs: number) => fromMs + 250 * Math.floor((random() * (toMs - fromMs)) / 250 + 0.5);

function drawPolicy(userTimeouts: readonly string[]): string {
  const [idle, interval, count] = [oneOf(1, 2, 3), oneOf(1, 1, 2, 3), oneOf(1, 2, 3)];
  const timeout = oneOf(...userTimeouts);
  const ends: Record<string, string> = {
    none: '',
    auto: ':auto',
    below: `:${idle * 1000 - 500}ms`,
    at: `:${idle}`,
    above: `:${idle * 1000 + interval * 500}ms`,
    long: `:${idle + interval * (count + 2)}`,
  };
  return `${idle}:${interval}:${count}${ends[timeout]}`;
}

const anyTimeout = ['none', 'none', 'auto', 'below', 'at', 'above', 'long'];

const happens = (...events: readonly (readonly [EventKind, number])[]): { events: ConnectionEvent[] } => ({
  events: events.map(([what, atMs]) => ({ what, atMs })),
});

interface Drawn extends Scenario {
  readonly policy: string;
}

/** The kinds of pairs, each with a function that draws one. */
const kinds: Readonly<Record<string, () => Drawn>> = {
  'a quiet peer vanishes': () => ({ policy: drawPolicy(anyTimeout), ...happens(['vanish', moment(250, 3500)]) }),
  'it vanishes with data in flight': () => {
    const at = moment(250, 2000);
    return { policy: drawPolicy(['none', 'none', 'auto', 'below', 'long']), ...happens(['vanish', at], ['write', at]) };
  },
  'the program writes after it vanished': () => {
    const at = moment(250, 1500);
    const policy = drawPolicy(['none', 'auto', 'long', 'above']);
    return { policy, ...happens(['vanish', at], ['write', at + moment(500, 2500)]) };
  },
  'it reboots': () => {
    const at = moment(250, 2500);
    const late = random() < 0.4 ? [['write', at + moment(500, 1500)] as const] : [];
    return { policy: drawPolicy(anyTimeout), ...happens(['reboot', at], ...late) };
  },
  'it vanishes with data in flight, and has rebooted': () => {
    const at = moment(250, 1000);
    const policy = drawPolicy(['none', 'auto', 'long']);
    return { policy, ...happens(['vanish', at], ['write', at], ['reboot', at + moment(500, 3000)]) };
  },
  'it vanishes between heartbeats': () => ({
    policy: drawPolicy(['none', 'auto', 'auto', 'long']),
    everyMs: oneOf(750, 1000, 1500, 2500, 4000, 9000),
    ...happens(['vanish', moment(2000, 4500)]),
  }),
  'it does not read': () => ({ policy: drawPolicy(anyTimeout), ...happens(['stop-reading', moment(250, 1000)]) }),
  'it does not read, then vanishes': () => {
    const at = moment(250, 1000);
    const policy = drawPolicy(['none', 'none', 'auto', 'long']);
    return { policy, ...happens(['stop-reading', at], ['vanish', at + moment(1000, 3000)]) };
  },
  'it does not read for a while': () => {
    const at = moment(250, 1000);
    const policy = drawPolicy(['none', 'auto', 'long']);
    return { policy, ...happens(['stop-reading', at], ['resume-reading', at + moment(1000, 4000)]) };
  },
  'the path is out for a while': () => {
    const at = moment(250, 2500);
    return { policy: drawPolicy(anyTimeout), ...happens(['vanish', at], ['return', at + moment(500, 5000)]) };
  },
  'the path is out for a while, with data in flight': () => {
    const at = moment(250, 1500);
    const policy = drawPolicy(['none', 'auto', 'long']);
    return { policy, ...happens(['vanish', at], ['write', at], ['return', at + moment(500, 5000)]) };
  },
};

/** Whether a death depends on timers: played some time off, the pair could end otherwise. */
const offMs = 250;
/** How long a connection is looked at that the model calls alive. */
const observedMs = 12_000;
/** No pair takes longer. */
const longestMs = 15_000;

function shifted(scenario: Scenario, byMs: (index: number) => number): Scenario {
  return { ...scenario, events: scenario.events.map(({ what, atMs }, index) => ({ what, atMs: atMs + byMs(index) })) };
}

/** Whether the model is sure of a pair, also if its events are played a little late. */
function isDecided(pair: Pair): boolean {
  const last = pair.scenario.events.length - 1;
  const plays = [
    pair.scenario,
    shifted(pair.scenario, () => offMs),
    shifted(pair.scenario, (index) => (index === last ? offMs : 0)),
    shifted(pair.scenario, (index) => (index === last ? -offMs + 1 : 0)),
  ];
  const outcomes = plays.map((scenario) => predict(pair, scenario));
  const [{ verdict, errors, death }] = outcomes as [Timeline];
  const isInTime = verdict === 'alive' || death.latestMs < longestMs;
  return (
    isInTime &&
    verdict !== 'either' &&
    errors.length < 2 &&
    outcomes.every((outcome) => outcome.verdict === verdict && outcome.errors[0] === errors[0])
  );
}

function draw(kind: string): Pair {
  for (;;) {
    const { policy, ...scenario } = (kinds[kind] as () => Drawn)();
    const retries2 = oneOf(2, 5);
    const rtoMax = random() < 0.2 ? { rtoMax: oneOf(1000, 1500) } : {};
    const watched = { kind, policy, scenario: { ...scenario, untilMs: observedMs }, retries2, ...rtoMax };
    const pair = predict(watched).verdict === 'alive' ? watched : { ...watched, scenario };
    if (isDecided(pair)) return pair;
  }
}

/** The pairs, drawn: always the same. */
export const pairs: readonly Pair[] = Object.keys(kinds).flatMap((kind) => Array.from({ length: 7 }, () => draw(kind)));
