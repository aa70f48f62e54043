import type { CheckResult } from '../../../host/check/check.js';
import type { ReapedPeer } from '../../../host/check/reap.js';
import { endsOf } from '../../../host/list/row.js';

/** Returns what `check --json` prints. */
export function toJson({ peers, ...rest }: CheckResult, reaped: readonly ReapedPeer[]) {
  const outcomeOf = new Map(reaped.map(({ row, outcome, error }) => [row, { reaped: outcome, error }]));
  const items = peers.map(({ row, answer, elapsedMs, asked, why, remedy }) => ({
    ...endsOf(row.connection),
    answer,
    elapsedMs,
    asked,
    why,
    remedy,
    ...outcomeOf.get(row),
  }));
  return { peers: items, ...rest };
}
