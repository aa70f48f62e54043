import type { CheckedPeer, CheckResult } from '../../../host/check/check.js';
import type { ReapedPeer } from '../../../host/check/reap.js';
import { addressColumn, endpointText, processColumn, processText } from '../../text/cells.js';
import { type Paint, plain, type Tone } from '../../text/colour.js';
import { counted, notJudgedText } from '../../text/counted.js';
import { printable } from '../../text/printable.js';
import { renderTable, wrapText } from '../../text/table.js';

const answers = { silent: 'silent', reset: 'reset', 'not-asked': 'not asked', alive: 'alive' } as const;
const order = Object.keys(answers);

const answerTones: Readonly<Record<CheckedPeer['answer'], Tone | undefined>> = {
  silent: 'bad',
  reset: 'warning',
  'not-asked': 'warning',
  alive: 'good',
};

/** Returns the reasons why peers were not asked, each once, and the remedies. */
function renderReasons(peers: readonly CheckedPeer[], width: number): string {
  const counts = new Map<string, number>();
  for (const { answer, why, remedy } of peers) {
    if (answer !== 'not-asked') continue;
    const reason = `${why}; ${remedy}`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => `\n${wrapText(`not asked: ${counted(count, 'peer')}: ${reason}`, width)}\n`)
    .join('');
}

/** Returns the table of peers, the silent first, then the reasons why some were not asked, and the counts. */
export function renderPeers({ peers, orphans, undecided }: CheckResult, width: number, paint: Paint = plain): string {
  const sorted = [...peers].sort((a, b) => order.indexOf(a.answer) - order.indexOf(b.answer));
  const columns = [
    { ...processColumn, rank: 3 },
    { title: 'LOCAL', ...addressColumn, rank: 2 },
    { title: 'REMOTE', ...addressColumn, rank: 4 },
    'ANSWER',
    { title: 'AFTER', align: 'right' as const, rank: 1 },
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
    peers.length === 0 ? 'no connection matches' : `${table}\n\n${counted(peers.length, 'peer')}: ${counts.join(', ')}`,
    ...(orphans === 0 ? [] : [`${counted(orphans, 'orphan')} passed over`]),
    ...(open === undefined ? [] : [printable(open)]),
  ];
  return `${lines.join('\n')}\n${renderReasons(peers, width)}`;
}

const outcomes = {
  destroyed: 'closed',
  expired: 'closed by the keepalive of the kernel',
  gone: 'had ended already',
  answered: 'left open: the peer was heard meanwhile',
  unconfirmed: 'left open, not confirmed',
  failed: 'could not be closed',
} as const;

/** What became of the connections whose peers were silent. */
export function renderReaped(reaped: readonly ReapedPeer[], width: number): string {
  const columns = [
    { title: 'LOCAL', ...addressColumn },
    { title: 'REMOTE', ...addressColumn },
    { title: 'OUTCOME', least: 10 },
  ];
  return `${renderTable(
    columns,
    reaped.map(({ row, outcome, error }) => [
      endpointText(row.connection.local),
      endpointText(row.connection.remote),
      error === undefined ? outcomes[outcome] : `${outcomes[outcome]}: ${error}`,
    ]),
    width,
  )}\n`;
}
