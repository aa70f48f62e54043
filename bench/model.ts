import { followConnection } from '../src/policy/model/course.js';
import type { ConnectionEvent, Scenario } from '../src/policy/model/scenario.js';
import { Waits } from '../src/policy/model/waits.js';
import { parsePolicy } from '../src/policy/parse.js';
import { randomFrom } from '../test/random.js';
import { atMost, type Report, renderTable, renderTargets } from './report.js';

const connections = 1_000_000;
const hourMs = 3_600_000;
const limitSeconds = 10;

const random = randomFrom(1);
const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));

/** The policies of a fleet: many connections have the same. */
const policies = Array.from({ length: 500 }, () => {
  const text = `${whole(5, 600)}:${whole(1, 60)}:${whole(1, 9)}`;
  return random() < 0.5 ? text : `${text}:auto`;
});

/** Draws what happens to a connection in an hour. */
function drawScenario(): Scenario {
  const atMs = whole(0, hourMs);
  const later = Math.min(hourMs, atMs + whole(0, 120_000));
  const played: readonly (readonly ConnectionEvent[])[] = [
    [],
    [{ what: 'vanish', atMs }],
    [{ what: 'reboot', atMs }],
    [
      { what: 'vanish', atMs },
      { what: 'write', atMs: later },
    ],
    [
      { what: 'vanish', atMs },
      { what: 'return', atMs: later },
    ],
    [
      { what: 'stop-reading', atMs },
      { what: 'vanish', atMs: later },
    ],
  ];
  const events = played[whole(0, played.length - 1)] as readonly ConnectionEvent[];
  const heartbeat = random() < 0.3 ? { everyMs: whole(1000, 300_000) } : {};
  return { events, ...heartbeat, untilMs: hourMs };
}

/** Computes the outcomes of a million connections over an hour of their time, and how long that takes on one core. */
export async function benchmarkModel(): Promise<Report> {
  const scenarios = Array.from({ length: connections }, drawScenario);
  const counts = { alive: 0, dead: 0, either: 0 };
  const startedAt = process.cpuUsage();
  const fleet = policies.map((policy) => new Waits(parsePolicy(policy)));
  scenarios.forEach((scenario, index) => {
    counts[followConnection(fleet[index % fleet.length] as Waits, scenario).verdict] += 1;
  });
  const { user, system } = process.cpuUsage(startedAt);
  const seconds = (user + system) / 1e6;
  const rows = Object.entries(counts).map(([verdict, count]) => [verdict, String(count)]);
  const target = atMost('CPU seconds for a million connections over an hour', seconds, limitSeconds);
  const table = renderTable([['after the hour', 'connections'], ...rows]);
  const data = { connections, hourMs, policies: policies.length, ...counts, seconds, targets: [target] };
  return { data, text: `${table}\n\n${renderTargets([target])}` };
}
