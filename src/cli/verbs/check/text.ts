import type { CheckedPeer, CheckResult } from '../../../host/check/check.js';
import type { ReapedPeer } from '../../../host/check/reap.js';
import { endpointText, processText } from '../../text/cells.js';
import { printable } from '../../text/printable.js';
import { cutEnd, cutMiddle, fitTable, keepingTail, wrapText } from '../../text/table.js';

const address = { least: 13, shorten: keepingTail(':', cutMiddle) } as const;
const owner = { title: 'PROCESS', least: 12, shorten: keepingTail('/', cutEnd) } as const;

const answers = { silent: 'silent', reset: 'reset', 'not-asked': 'not asked', alive: 'alive' } as const;
const order = Object.keys(answers);

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns the reasons why peers were not asked, each once, and the remedies. */
function renderReasons(peers: readonly CheckedPeer[], width: number): string {
  const counts = new Map<string, number>();
  for (const { answer, why, remedy } of peers) {
    if (answer !== 'not-asked') continue;
    const reason = `${why}; ${remedy}`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => `\n${wrapText(printable(`not asked: ${plural(count, 'peer')}: ${reason}`), width)}\n`)
    .join('');
}

/** Returns the table of peers, the silent first, then the reasons why some were not asked, and the counts. */
export function renderPeers({ peers, orphans }: Pick<CheckResult, 'peers' | 'orphans'>, width: number): string {
  const sorted = [...peers].sort((a, b) => order.indexOf(a.answer) - order.indexOf(b.answer));
  const columns = [
    owner,
    { title: 'LOCAL', ...address },
    { title: 'REMOTE', ...address },
    { title: 'ANSWER' },
    { title: 'AFTER', align: 'right' as const },
  ];
  const table = fitTable(
    columns,
    sorted.map(({ row, answer, elapsedMs }) => [
      printable(processText(row)),
      endpointText(row.connection.local),
      endpointText(row.connection.remote),
      answers[answer],
      answer === 'not-asked' ? '-' : `${elapsedMs} ms`,
    ]),
    width,
  );
  const counts = (['alive', 'reset', 'silent', 'not-asked'] as const).flatMap((kind) => {
    const count = peers.filter(({ answer }) => answer === kind).length;
    return kind === 'not-asked' && count === 0 ? [] : [`${count} ${answers[kind]}`];
  });
  const passedOver = orphans === 0 ? '' : `\n${plural(orphans, 'orphan')} passed over`;
  return `${table}\n\n${plural(peers.length, 'peer')}: ${counts.join(', ')}${passedOver}\n${renderReasons(peers, width)}`;
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
    { title: 'LOCAL', ...address },
    { title: 'REMOTE', ...address },
    { title: 'OUTCOME', least: 10 },
  ];
  return `${fitTable(
    columns,
    reaped.map(({ row, outcome, error }) => [
      endpointText(row.connection.local),
      endpointText(row.connection.remote),
      error === undefined ? outcomes[outcome] : printable(`${outcomes[outcome]}: ${error}`),
    ]),
    width,
  )}\n`;
}
