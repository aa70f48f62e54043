import type { CheckedPeer, CheckResult } from '../../../host/check/check.js';
import type { ReapedPeer } from '../../../host/check/reap.js';
import { endpointText } from '../../../wire/endpoint.js';
import { addressColumn, processColumn, processText } from '../../text/cells.js';
import { type Paint, plain, type Tone } from '../../text/colour.js';
import { counted, notJudgedText, tally } from '../../text/counted.js';
import { renderReasons } from '../../text/reasons.js';
import { renderTable } from '../../text/table.js';
import { wrapText } from '../../text/wrap-text.js';

const answers = { silent: 'silent', reset: 'reset', 'not-asked': 'not asked', alive: 'alive' } as const;
const order = Object.keys(answers);

const answerTones: Readonly<Record<CheckedPeer['answer'], Tone | undefined>> = {
  silent: 'bad',
  reset: 'warning',
  'not-asked': 'warning',
  alive: 'good',
};

/** Returns the reasons why peers were not asked, each once, and the remedies. */
function notAskedLines(peers: readonly CheckedPeer[]): string[] {
  const reasons = peers
    .filter(({ answer }) => answer === 'not-asked')
    .map(({ why = '', remedy = '' }) => (why.includes(remedy) ? why : `${why}; ${remedy}`));
  return tally(reasons).map(([reason, count]) => `not asked: ${counted(count, 'peer')}: ${reason}`);
}

/** Returns what stands in place of the table. A connection that could not be judged may be one that matches. */
const noneAsked = (open: string | undefined) =>
  open === undefined ? 'no connection matches' : 'no connection matches of those that could be judged';

/** Returns the table of peers, the silent first, then the reasons why some were not asked, and the counts. */
export function renderPeers({ peers, orphans, undecided }: CheckResult, width: number, paint: Paint = plain): string {
  const sorted = [...peers].sort((a, b) => order.indexOf(a.answer) - order.indexOf(b.answer));
  const columns = [
    { ...processColumn, rank: 3 },
    { title: 'LOCAL', ...addressColumn, isLastResort: true as const, rank: 1 },
    { title: 'REMOTE', ...addressColumn, isLastResort: true as const, rank: 4 },
    'ANSWER',
    { title: 'AFTER', align: 'right' as const, worth: 1 },
  ];
  const table = renderTable(
    columns,
    sorted.map(({ row, answer, elapsedMs }) => [
      processText(row),
      endpointText(row.connection.local),
      endpointText(row.connection.remote),
      answers[answer],
      answer === 'not-asked' ? '-' : `${elapsedMs} ms`,
    ]),
    width,
    {
      paint,
      tone: (at, { title }) => (title === 'ANSWER' ? answerTones[(sorted[at] as CheckedPeer).answer] : undefined),
    },
  );
  const counts = (['alive', 'reset', 'silent', 'not-asked'] as const).flatMap((kind) => {
    const count = peers.filter(({ answer }) => answer === kind).length;
    const text = paint(`${count} ${answers[kind]}`, count === 0 ? undefined : answerTones[kind]);
    return kind === 'not-asked' && count === 0 ? [] : [text];
  });
  const open = notJudgedText(undecided);
  const lines = [
    peers.length === 0 ? noneAsked(open) : `${table}\n\n${counted(peers.length, 'peer')}: ${counts.join(', ')}`,
    ...(orphans === 0 ? [] : [`${counted(orphans, 'orphan')} passed over`]),
    ...(open === undefined ? [] : [wrapText(open, width)]),
  ];
  return `${lines.join('\n')}\n${notAskedLines(peers)
    .map((line) => `\n${wrapText(line, width)}\n`)
    .join('')}`;
}

const outcomes = {
  destroyed: 'closed',
  expired: 'closed by the keepalive of the kernel',
  gone: 'had ended already',
  answered: 'left open: the peer was heard meanwhile',
  unconfirmed: 'left open, not confirmed',
  failed: 'could not be closed',
} as const;

function outcomeText({ outcome, error }: ReapedPeer): string {
  return error === undefined ? outcomes[outcome] : `${outcomes[outcome]}: ${error}`;
}

/** Returns the errors and warnings of a check: peers that were not asked, connections that could not be closed or judged. */
export function quietLines({ peers, undecided }: CheckResult, reaped: readonly ReapedPeer[]): string[] {
  const failed = reaped.filter(({ outcome }) => outcome === 'failed');
  const failures = tally(failed.map(outcomeText)).map(([text, count]) => `${counted(count, 'connection')} ${text}`);
  return [...notAskedLines(peers), ...failures, notJudgedText(undecided)].filter((line) => line !== undefined);
}

/** What became of the connections whose peers were silent. */
export function renderReaped(reaped: readonly ReapedPeer[], width: number): string {
  const columns = [
    { title: 'LOCAL', ...addressColumn },
    { title: 'REMOTE', ...addressColumn },
    { title: 'OUTCOME', least: 10 },
  ];
  return `${renderReasons(
    columns,
    reaped.map((peer) => [
      endpointText(peer.row.connection.local),
      endpointText(peer.row.connection.remote),
      outcomeText(peer),
    ]),
    width,
  )}\n`;
}
