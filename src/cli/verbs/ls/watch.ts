import { isatty } from 'node:tty';
import { groupListed } from '../../../host/list/group-facts.js';
import type { Grouping } from '../../../host/list/groups.js';
import type { Listing } from '../../../host/list/listing.js';
import type { SortOrder } from '../../../host/list/order.js';
import { hasReader, printPainted } from '../../shared/output.js';
import { TerminalScreen } from '../../shared/terminal-screen.js';
import type { Paint } from '../../text/colour.js';
import { wholeFrame, windowFrame } from './frame.js';
import { writeFrame } from './json.js';
import { sleep } from './sleep.js';
import { initialView, pressed } from './view.js';

/** What to watch, and how to show it. */
export interface Watch {
  /** Lists the connections as they are now. */
  list(): Listing;
  readonly everyMs: number;
  readonly sort: SortOrder;
  readonly group: Grouping | undefined;
  /** Whether rows can be `exposed`. */
  readonly hasExposed: boolean;
  /** The arguments of `ls`. */
  readonly args: readonly string[];
  readonly paint: Paint;
}

/** Shows each list until the signal is aborted or nobody reads any more. */
async function repeat({ everyMs }: Watch, signal: AbortSignal, show: () => void): Promise<void> {
  while (hasReader() && !signal.aborted) {
    show();
    if (hasReader()) await sleep(everyMs, signal);
  }
}

/** Redraws the window in place, and lets keys choose what it shows. */
async function watchOnTerminal(watch: Watch, end: AbortController): Promise<void> {
  const { list, sort, ...shown } = watch;
  let view = initialView(sort, watch.hasExposed);
  let latest: { readonly listing: Listing; readonly at: Date } | undefined;
  let isDrawing = false;
  const draw = () => {
    isDrawing = false;
    if (latest === undefined || end.signal.aborted) return;
    screen.draw(windowFrame({ ...shown, ...latest, view }, screen.size, screen.hasKeys));
    if (!hasReader()) end.abort();
  };
  const redraw = () => {
    if (!isDrawing) setImmediate(draw);
    isDrawing = true;
  };
  const screen = new TerminalScreen({
    redraw,
    key(key) {
      const next = pressed(view, key);
      if (next === 'quit') return end.abort();
      view = next;
      redraw();
    },
  });
  try {
    await repeat(watch, end.signal, () => {
      if (latest === undefined || !view.isPaused) latest = { listing: list(), at: new Date() };
      draw();
    });
  } finally {
    screen.close();
  }
}

/** Shows the list again and again: redrawn in place on a terminal, else as whole frames, with `json` a line each. */
export async function watchConnections(watch: Watch, json: boolean): Promise<void> {
  const end = new AbortController();
  const interrupt = () => end.abort();
  process.once('SIGINT', interrupt);
  const { list, ...shown } = watch;
  const writeJson = () => {
    const listing = list();
    const { sort, group } = watch;
    writeFrame(listing, new Date(), { sort, groups: group && groupListed(listing.rows, group) });
  };
  const view = initialView(watch.sort);
  try {
    if (json) await repeat(watch, end.signal, writeJson);
    // A dumb terminal cannot move its cursor.
    else if (isatty(1) && process.env['TERM'] !== 'dumb') await watchOnTerminal(watch, end);
    else
      await repeat(watch, end.signal, () =>
        printPainted(wholeFrame({ ...shown, listing: list(), at: new Date(), view })),
      );
  } finally {
    process.off('SIGINT', interrupt);
  }
}
