import { detectionTime } from '../../../policy/model/detection-time.js';
import type { TimeRange } from '../../../policy/model/time-range.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { setKeepAlive } from '../../../socket/keep-alive.js';
import type { Scenario, Stage } from './scenario.js';

/** A segment crosses the loopback device in microseconds; the rest is the event loop's. */
const atOnce: TimeRange = { earliestMs: 0, latestMs: 100 };

/** The policy with a user timeout, which the scenario with data in flight needs. */
function withUserTimeout(policy: CompletePolicy): CompletePolicy & { readonly userTimeout: number } {
  const { idle, interval, count, userTimeout = 0 } = policy;
  return { ...policy, userTimeout: userTimeout > 0 ? userTimeout : idle + interval * count };
}

/** Half an interval before the last probe that can still save the connection. */
function beforeLastProbe(policy: CompletePolicy): number {
  return Math.max(policy.idle / 2, detectionTime(policy, 'idle').earliestMs - 1.5 * policy.interval);
}

function crashWithDataInFlight({ connection, policy, crash, startClock }: Stage): void {
  setKeepAlive(connection.server, withUserTimeout(policy));
  crash();
  connection.server.write('anyone there?');
  startClock();
}

/** The scenarios of the demo, in the order in which they are shown. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'fin',
    title: 'closes with FIN',
    outcome: 'closed',
    expected: () => atOnce,
    play: ({ connection, startClock }) => {
      startClock();
      connection.client.end();
    },
  },
  {
    name: 'rst',
    title: 'resets with RST',
    outcome: 'reset',
    expected: () => atOnce,
    play: ({ connection, startClock }) => {
      startClock();
      connection.client.resetAndDestroy();
    },
  },
  {
    name: 'crash-idle',
    title: 'crashes while idle',
    outcome: 'dead',
    expected: (policy) => detectionTime(policy, 'idle'),
    play: ({ crash }) => {
      crash();
    },
  },
  {
    name: 'crash-data-in-flight',
    title: 'crashes, data in flight',
    outcome: 'dead',
    expected: (policy) => detectionTime(withUserTimeout(policy), 'data-in-flight'),
    play: crashWithDataInFlight,
  },
  {
    name: 'crash-without-keepalive',
    title: 'crashes, no keepalive',
    outcome: 'established',
    untimed: 'goes unnoticed',
    expected: () => null,
    play: ({ connection, crash }) => {
      setKeepAlive(connection.server, false);
      crash();
    },
  },
  {
    name: 'silent-then-back',
    title: 'falls silent, comes back',
    outcome: 'established',
    untimed: 'survives',
    expected: () => null,
    play: ({ crash, after, policy }) => {
      const crashed = crash();
      after(beforeLastProbe(policy), () => crashed.revive());
    },
  },
  {
    name: 'idle-healthy',
    title: 'idle but healthy',
    outcome: 'established',
    untimed: 'survives',
    expected: () => null,
    play: () => {},
  },
];

/** Returns how long to watch: until the last predicted death, and for at least two rounds of probes to a healthy peer. */
export function demoDurationMs(policy: CompletePolicy, toleranceMs: number): number {
  const deaths = scenarios.map((scenario) => scenario.expected(policy)?.latestMs ?? 0);
  const rounds = 2 * detectionTime(policy, 'rebooted').latestMs;
  return Math.max(...deaths, rounds) + toleranceMs;
}
