import type { ConnectionRow } from '../../../host/list/row.js';
import {
  endpointText,
  heardText,
  inFlightText,
  keepAliveText,
  placeText,
  processText,
  remoteText,
  stateText,
  timerText,
  verdictText,
} from '../../text/cells.js';
import { printable } from '../../text/printable.js';
import { cutEnd, cutMiddle, type FitColumn, fitTable, keepingTail } from '../../text/table.js';

interface ConnectionColumn extends FitColumn {
  text(row: ConnectionRow): string;
}

const address = { least: 13, isLastResort: true, shorten: keepingTail(':', cutMiddle) } as const;

/** In the order in which they stand. Who, with whom, kept alive how, and what to think of it are never dropped. */
const columns: readonly ConnectionColumn[] = [
  { title: 'PROCESS', least: 12, shorten: keepingTail('/', cutEnd), text: (row) => printable(processText(row)) },
  { title: 'UNIT', least: 10, worth: 5, text: (row) => printable(placeText(row)) },
  { title: 'LOCAL', ...address, text: ({ connection }) => endpointText(connection.local) },
  { title: 'REMOTE', ...address, text: remoteText },
  { title: 'STATE', worth: 6, text: ({ connection }) => stateText(connection.state) },
  { title: 'KEEPALIVE', text: ({ keepAlive }) => keepAliveText(keepAlive) },
  { title: 'TIMER', worth: 4, text: timerText },
  { title: 'UNANSWERED', align: 'right', worth: 3, text: ({ connection }) => String(connection.unanswered) },
  { title: 'HEARD', align: 'right', worth: 2, text: heardText },
  { title: 'IN FLIGHT', align: 'right', worth: 1, text: inFlightText },
  { title: 'VERDICT', text: verdictText },
];

/** The connections as a table with lines no longer than `width`; `Infinity`, for what is not a terminal, shows all. */
export function renderConnections(rows: readonly ConnectionRow[], width: number): string {
  return fitTable(
    columns,
    rows.map((row) => columns.map((column) => column.text(row))),
    width,
  );
}
