import { formatPolicy } from '../../../policy/format.js';
import type { TimeRange } from '../../../policy/model/time-range.js';
import { renderTable } from '../../text/table.js';
import { isAsPredicted, type Play } from './play.js';
import type { DemoReport, Outcome, Scenario, ScenarioResult } from './scenario.js';
import { demoDurationMs, scenarios } from './scenarios.js';
import type { TimelineEvent } from './timeline.js';

const stripWidth = 28;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

const outcomes: Readonly<Record<Outcome, string>> = {
  closed: 'closed by the peer (FIN)',
  reset: 'reset by the peer (RST)',
  dead: 'dead (ETIMEDOUT)',
  established: 'still ESTABLISHED',
};

/** What an event says in a log: `probe 2, 2 unanswered`. */
function describeEvent(play: Play, event: TimelineEvent): string {
  switch (event.kind) {
    case 'probe':
      return event.unanswered === 0
        ? `probe ${play.timeline.probesSent} sent and answered`
        : `probe ${play.timeline.probesSent} sent, ${event.unanswered} unanswered`;
    case 'retransmission':
      return `data sent again, ${event.unanswered} unanswered`;
    case 'answer':
      return 'the peer answers again';
    case 'end':
      return outcomes[event.outcome];
  }
}

/** One line of the log that stands in for the live view where the output is not a terminal. */
export function renderEvent(play: Play, event: TimelineEvent): string {
  return `${seconds(event.atMs).padStart(9)}  ${play.scenario.title.padEnd(25)} ${describeEvent(play, event)}`;
}

const marks: Readonly<Record<TimelineEvent['kind'], string>> = {
  probe: '?',
  retransmission: '?',
  answer: '!',
  end: '#',
};

/** The connection's life so far as a strip: `.` quiet, `!` a probe answered, `?` one unanswered, `#` the end. */
function renderStrip(play: Play, durationMs: number): string {
  const column = (atMs: number) => Math.min(stripWidth - 1, Math.max(0, Math.floor((atMs / durationMs) * stripWidth)));
  const end = play.timeline.outcome === undefined ? play.elapsedMs : (play.timeline.events.at(-1)?.atMs ?? 0);
  const cells: string[] = Array.from({ length: stripWidth }, (_, index) => (index <= column(end) ? '.' : ' '));
  for (const event of play.timeline.events) {
    const isAnswered = event.kind === 'probe' && event.unanswered === 0;
    cells[column(event.atMs)] = isAnswered ? '!' : marks[event.kind];
  }
  return cells.join('');
}

function liveStatus({ timeline }: Play): string {
  if (timeline.outcome !== undefined) return outcomes[timeline.outcome];
  if (timeline.unanswered > 0) return `${timeline.unanswered} unanswered`;
  const answered = timeline.probesAnswered;
  return answered > 0 ? `${answered} ${answered === 1 ? 'probe' : 'probes'} answered` : 'quiet';
}

/** The live view: one line a connection. */
export function renderLive(plays: readonly Play[], report: Pick<DemoReport, 'policy'>): string {
  const durationMs = demoDurationMs(report.policy, 0);
  const lines = plays.map(
    (play) => `${play.scenario.title.padEnd(25)} ${renderStrip(play, durationMs)} ${liveStatus(play)}`,
  );
  return ['. quiet   ? unanswered   ! answered   # the end', '', ...lines].join('\n');
}

/** What is about to be shown. */
export function renderIntroduction({ policy }: Pick<DemoReport, 'policy'>, durationMs: number): string {
  return [
    `One server, policy ${formatPolicy(policy)} on its listener; ${scenarios.length} peers, about ${Math.ceil(durationMs / 1000)} s.`,
    `The first probe after ${policy.idle / 1000} s of quiet, then every ${policy.interval / 1000} s; dead after ${policy.count} unanswered.`,
    '',
  ].join('\n');
}

function renderExpected(scenario: Scenario, expected: TimeRange | null): string {
  if (expected === null) return scenario.untimed ?? '';
  const { earliestMs, latestMs } = expected;
  return earliestMs === 0 ? 'at once' : `${(earliestMs / 1000).toFixed(2)} .. ${seconds(latestMs)}`;
}

function renderRow(scenario: Scenario, result: ScenarioResult): string[] {
  const verdict = outcomes[result.outcome];
  return [
    scenario.title,
    renderExpected(scenario, result.expected),
    result.detectedMs === null ? '' : seconds(result.detectedMs),
    isAsPredicted(scenario, result) ? verdict : `NOT AS PREDICTED: ${verdict}`,
  ];
}

/** The table at the end and what it comes to. */
export function renderReport(report: DemoReport): string {
  const rows = report.scenarios.map((result, index) => renderRow(scenarios[index] as Scenario, result));
  const conclusion = report.ok
    ? 'Every peer was told apart, at the time that was predicted.'
    : 'At least one measurement is not as predicted.';
  return `${renderTable(['PEER', 'EXPECTED', 'MEASURED', 'WHAT THE SERVER SEES'], rows)}\n\n${conclusion}`;
}
