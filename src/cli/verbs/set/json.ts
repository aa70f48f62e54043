import { recordOf } from '../../../host/change/record.js';
import type { SetResult } from '../../../host/change/set.js';
import type { UndoResult } from '../../../host/change/undo.js';
import { endsOf } from '../../../host/list/row.js';

/** Returns what `set --json` prints, which `set --undo` takes as a record. */
export function toJson({ changed, failed, ...rest }: SetResult | UndoResult) {
  const record = recordOf(changed);
  return {
    changed: changed.map(({ connection, unanswered }, index) => ({
      ...endsOf(connection),
      ...record.changed[index],
      unanswered,
    })),
    failed: failed.map(({ connection, error }) => ({ ...endsOf(connection), error })),
    ...rest,
    bootId: record.bootId,
  };
}
