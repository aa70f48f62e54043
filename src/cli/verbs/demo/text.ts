import { formatPolicy } from '../../../policy/format.js';
import type { TimeRange } from '../../../policy/model/time-range.js';
import { cutEnd, renderTable } from '../../text/table.js';
import { wrapText } from '../../text/wrap-text.js';
import { isAsPredicted, type Play } from './play.js';
import type { DemoReport, Outcome, Scenario, ScenarioResult } from './scenario.js';
import { demoDurationMs, scenarios } from './scenarios.js';
import type { TimelineEvent } from './timeline.js';

/** In fewer columns, outcomes have short names. */
const roomyWidth = 80;
const titleWidth = 25;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

const outcomes: Readonly<Record<Outcome, string>> = {
  closed: 'closed by the peer (FIN)',
  reset: 'reset by the peer (RST)',
  dead: 'dead (ETIMEDOUT)',
  established: 'still ESTABLISHED',
};

const shortOutcomes: Readonly<Record<Outcome, string>> = {
  closed: 'FIN',
  reset: 'RST',
  dead: 'ETIMEDOUT',
  established: 'ESTABLISHED',
};

const outcomesWithin = (width: number) => (width < roomyWidth ? shortOutcomes : outcomes);

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
  return `${seconds(event.atMs).padStart(9)}  ${play.scenario.title.padEnd(titleWidth)} ${describeEvent(play, event)}`;
}

const marks: Readonly<Record<TimelineEvent['kind'], string>> = {
  probe: '?',
  retransmission: '?',
  answer: '!',
  end: '#',
};

/** The connection's life so far as a strip: `.` quiet, `!` a probe answered, `?` one unanswered, `#` the end. */
function renderStrip(play: Play, durationMs: number, stripWidth: number): string {
  const column = (atMs: number) => Math.min(stripWidth - 1, Math.max(0, Math.floor((atMs / durationMs) * stripWidth)));
  const end = play.timeline.outcome === undefined ? play.elapsedMs : (play.timeline.events.at(-1)?.atMs ?? 0);
  const cells: string[] = Array.from({ length: stripWidth }, (_, index) => (index <= column(end) ? '.' : ' '));
  for (const event of play.timeline.events) {
    const isAnswered = event.kind === 'probe' && event.unanswered === 0;
    cells[column(event.atMs)] = isAnswered ? '!' : marks[event.kind];
  }
  return cells.join('');
}

function liveStatus({ timeline }: Play, width: number): string {
  if (timeline.outcome !== undefined) return outcomesWithin(width)[timeline.outcome];
  if (timeline.unanswered > 0) return `${timeline.unanswered} unanswered`;
  const answered = timeline.probesAnswered;
  return answered > 0 ? `${answered} ${answered === 1 ? 'probe' : 'probes'} answered` : 'quiet';
}

/** The live view: one line a connection, no longer than `width`. */
export function renderLive(plays: readonly Play[], report: Pick<DemoReport, 'policy'>, width: number): string {
  const durationMs = demoDurationMs(report.policy, 0);
  const statusWidth = width < roomyWidth ? 18 : 24;
  const stripWidth = Math.max(4, Math.min(28, width - titleWidth - statusWidth - 2));
  const lines = plays.map((play) => {
    const strip = renderStrip(play, durationMs, stripWidth);
    return `${play.scenario.title.padEnd(titleWidth)} ${strip} ${liveStatus(play, width)}`;
  });
  const legend = '. quiet   ? unanswered   ! answered   # the end';
  return [legend, '', ...lines].map((line) => cutEnd(line, width)).join('\n');
}

/** What is about to be shown. */
export function renderIntroduction({ policy }: Pick<DemoReport, 'policy'>, durationMs: number, width: number): string {
  return [
    `One server, policy ${formatPolicy(policy)} on its listener; ${scenarios.length} peers, about ${Math.ceil(durationMs / 1000)} s.`,
    `The first probe after ${policy.idle / 1000} s of quiet, then every ${policy.interval / 1000} s; dead after ${policy.count} unanswered.`,
    '',
  ]
    .map((line) => wrapText(line, width))
    .join('\n');
}

function renderExpected(scenario: Scenario, expected: TimeRange | null, width: number): string {
  const isRoomy = width >= roomyWidth;
  const { untimed = '' } = scenario;
  if (expected === null) return isRoomy ? untimed : untimed.replace('goes ', '');
  const { earliestMs, latestMs } = expected;
  const separator = isRoomy ? ' .. ' : '-';
  return earliestMs === 0 ? 'at once' : `${(earliestMs / 1000).toFixed(2)}${separator}${seconds(latestMs)}`;
}

function renderRow(scenario: Scenario, result: ScenarioResult, width: number): string[] {
  const verdict = outcomesWithin(width)[result.outcome];
  return [
    scenario.title,
    renderExpected(scenario, result.expected, width),
    result.detectedMs === null ? '' : seconds(result.detectedMs),
    isAsPredicted(scenario, result) ? verdict : `NOT AS PREDICTED: ${verdict}`,
  ];
}

/** Returns the table at the end and a conclusion, in lines no longer than `width`. */
export function renderReport(report: DemoReport, width: number): string {
  const rows = report.scenarios.map((result, index) => renderRow(scenarios[index] as Scenario, result, width));
  const conclusion = report.ok
    ? 'Every peer was told apart, at the time that was predicted.'
    : 'At least one measurement is not as predicted.';
  const columns = [
    { title: 'PEER', least: 14 },
    'EXPECTED',
    'MEASURED',
    { title: width < roomyWidth ? 'SERVER SEES' : 'WHAT THE SERVER SEES', least: 16, isLastResort: true as const },
  ];
  return `${renderTable(columns, rows, width)}\n\n${wrapText(conclusion, width)}`;
}
