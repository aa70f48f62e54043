import type { CheckedPeer } from '../../host/check.js';
import type { ReapedPeer } from '../../host/reap.js';
import { endpointText, processText } from './connection-cells.js';
import { cutEnd, cutMiddle, fitTable, keepingTail } from './fit.js';
import { printable } from './printable.js';

const address = { least: 13, shorten: keepingTail(':', cutMiddle) } as const;
const owner = { title: 'PROCESS', least: 12, shorten: keepingTail('/', cutEnd) } as const;

/** Who answered, who reset and who is silent; the silent first. */
export function renderPeers(peers: readonly CheckedPeer[], width: number): string {
  const order = { silent: 0, reset: 1, alive: 2 } as const;
  const sorted = [...peers].sort((a, b) => order[a.answer] - order[b.answer]);
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
      answer,
      `${elapsedMs} ms`,
    ]),
    width,
  );
  const counts = (['alive', 'reset', 'silent'] as const).map(
    (kind) => `${peers.filter(({ answer }) => answer === kind).length} ${kind}`,
  );
  return `${table}\n\n${peers.length} ${peers.length === 1 ? 'peer' : 'peers'}: ${counts.join(', ')}\n`;
}

const outcomes = {
  destroyed: 'closed',
  expired: 'closed by the keepalive of the kernel',
  gone: 'had ended already',
  answered: 'left open: the peer was heard meanwhile',
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
