import { type SortOrder, sortKeys } from '../../../host/list/order.js';
import type { ConnectionRow } from '../../../host/list/row.js';
import { endpointText } from '../../../wire/endpoint.js';
import type { Key } from '../../shared/terminal-screen.js';
import {
  droppedText,
  keepAliveText,
  processText,
  remoteText,
  stateText,
  timerText,
  unitText,
  verdictText,
} from '../../text/cells.js';
import { displayWidth } from '../../text/display-width.js';

/** The verdicts that the key `v` goes through; `undefined` shows all. */
const shownVerdicts = [undefined, 'unprotected', 'exposed', 'slow', 'protected', '?'] as const;

/** The choices that keys have made. */
export interface View {
  readonly sort: SortOrder;
  readonly verdict: (typeof shownVerdicts)[number];
  /** Whether rows can be `exposed`. */
  readonly hasExposed: boolean;
  /** Only rows with this text are shown. */
  readonly text: string;
  /** Whether keys are letters of the text. */
  readonly isTyping: boolean;
  readonly isPaused: boolean;
}

export function initialView(sort: SortOrder, hasExposed = false): View {
  return { sort, verdict: undefined, hasExposed, text: '', isTyping: false, isPaused: false };
}

function next<Item>(items: readonly Item[], item: Item): Item {
  return items[(items.indexOf(item) + 1) % items.length] as Item;
}

const longestText = 100;

/** Returns the view with a key more of its text. */
function typed(view: View, { text, name, isControl }: Key): View {
  if (name === 'return' || name === 'enter') return { ...view, isTyping: false };
  if (name === 'escape') return { ...view, isTyping: false, text: '' };
  if (name === 'backspace') return { ...view, text: [...view.text].slice(0, -1).join('') };
  if (isControl && name === 'u') return { ...view, text: '' };
  if (isControl || text === undefined || /\p{Cc}/u.test(text) || view.text.length >= longestText) return view;
  return { ...view, text: view.text + text };
}

const effects: Readonly<Record<string, (view: View) => View>> = {
  s: (view) => ({ ...view, sort: { key: next(sortKeys, view.sort.key), isReversed: false } }),
  r: (view) => ({ ...view, sort: { ...view.sort, isReversed: !view.sort.isReversed } }),
  v(view) {
    const shown = shownVerdicts.filter((verdict) => view.hasExposed || verdict !== 'exposed');
    return { ...view, verdict: next(shown, view.verdict) };
  },
  '/': (view) => ({ ...view, isTyping: true }),
  p: (view) => ({ ...view, isPaused: !view.isPaused }),
};

/** Returns the view after a key; `quit` for the key that ends the watch. */
export function pressed(view: View, key: Key): View | 'quit' {
  if (key.isControl && key.name === 'c') return 'quit';
  if (view.isTyping) return typed(view, key);
  if (key.text === 'q') return 'quit';
  if (key.name === 'escape') return { ...view, text: '', verdict: undefined };
  return Object.hasOwn(effects, key.text ?? '') ? (effects[key.text as string] as (view: View) => View)(view) : view;
}

/** Returns whether a row has a text in one of its cells, whatever its case. */
function hasText(row: ConnectionRow, text: string): boolean {
  const { connection, keepAlive } = row;
  return [
    processText(row),
    unitText(row),
    endpointText(connection.local),
    remoteText(row),
    stateText(connection.state),
    keepAliveText(keepAlive),
    timerText(row),
    droppedText(row),
    verdictText(row),
  ].some((cell) => cell.toLowerCase().includes(text));
}

/** Returns the rows that a view shows. */
export function viewedRows(rows: readonly ConnectionRow[], { verdict, text }: View): readonly ConnectionRow[] {
  const wanted = text.toLowerCase();
  if (verdict === undefined && wanted === '') return rows;
  return rows.filter(
    (row) => (verdict === undefined || verdictText(row) === verdict) && (wanted === '' || hasText(row, wanted)),
  );
}

/** Returns the line with the keys and their present choices, in fewer words if it is longer than `width`. */
export function viewLine({ sort, verdict, text, isTyping, isPaused }: View, width = Number.POSITIVE_INFINITY): string {
  if (isTyping) return `/${text}_   Enter: keep it, Esc: show all`;
  const choices = [`${sort.isReversed ? '-' : ''}${sort.key}`, verdict ?? 'all', text] as const;
  const line = [
    'q quit',
    isPaused ? 'p go on (paused)' : 'p pause',
    `s sort: ${choices[0]}`,
    'r reverse',
    `v verdict: ${choices[1]}`,
    text === '' ? '/ text' : `/ text: ${text}`,
  ].join('   ');
  if (displayWidth(line) <= width) return line;
  return `q quit  p ${isPaused ? 'go on' : 'pause'}  s ${choices[0]}  r  v ${choices[1]}  / ${text}`.trimEnd();
}
