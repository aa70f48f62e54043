import type { TimelineEntry } from '../../../policy/model/timeline.js';
import type { Explanation } from './explanation.js';
import { rangeText } from './text.js';

const size = { width: 760, height: 150, margin: 80, line: 80 };

/** Where the rows of labels are below the line, and the width of a letter at the most. */
const labelRows = [30, 50];
const letterWidth = 7;

const colours: Readonly<Record<string, string>> = { 'last-segment': '#2e7d32', dead: '#c62828' };

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const rounded = (pixels: number) => Math.round(pixels * 10) / 10;

/** Returns labels for the entries that have room for one, the first entries first. */
function labels(entries: readonly TimelineEntry[], x: (ms: number) => number): string[] {
  const placed: { readonly row: number; readonly at: number; readonly width: number }[] = [];
  return entries.flatMap((entry) => {
    const text = rangeText(entry);
    const [at, width] = [rounded(x((entry.earliestMs + entry.latestMs) / 2)), (text.length + 1) * letterWidth];
    const row = labelRows.find((each) =>
      placed.every((other) => other.row !== each || Math.abs(other.at - at) >= (other.width + width) / 2),
    );
    if (row === undefined) return [];
    placed.push({ row, at, width });
    return [`<text x="${at}" y="${size.line + row}" text-anchor="middle">${escaped(text)}</text>`];
  });
}

/** Returns a timeline as an SVG picture, to scale: bars from the earliest to the latest moment of each step. */
export function timelineSvg({ policy, timeline: entries }: Explanation): string {
  const end = entries.at(-1)?.latestMs ?? 0;
  const x = (ms: number) => rounded(size.margin + (ms / end) * (size.width - 2 * size.margin));
  const drawn = entries.filter(({ isCertain }) => isCertain);
  const bar = (entry: TimelineEntry) => {
    const { step, number, earliestMs, latestMs } = entry;
    const name = `${step === 'last-segment' ? 'last segment' : step}${number === undefined ? '' : ` ${number}`}`;
    const width = Math.max(2, rounded(x(latestMs) - x(earliestMs)));
    return (
      `<rect x="${x(earliestMs)}" y="${size.line - 12}" width="${width}" height="24" fill="${colours[step] ?? '#ef6c00'}">` +
      `<title>${escaped(`${name}: ${rangeText(entry)}`)}</title></rect>`
    );
  };
  const title = escaped(`A quiet peer vanishes under ${policy}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<text x="${size.margin}" y="30" font-size="14">${title}</text>`,
    `<line x1="${size.margin}" y1="${size.line}" x2="${size.width - size.margin}" y2="${size.line}" stroke="#888"/>`,
    ...drawn.map(bar),
    ...labels([...drawn.slice(-1), ...drawn.slice(0, -1)], x),
    '</svg>',
    '',
  ].join('\n');
}
