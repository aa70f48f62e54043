import type { TimelineEntry, TimelineStep } from '../../../policy/model/timeline.js';
import { humanDuration } from '../../text/duration.js';
import type { Explanation } from './explanation.js';

const size = { width: 760, height: 150, margin: 40, line: 80, bar: 24 };

const colours: Readonly<Partial<Record<TimelineStep, string>>> = {
  probe: '#ef6c00',
  retransmission: '#ef6c00',
  dead: '#c62828',
};
const otherColour = '#2e7d32';

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function entryName({ step, number }: TimelineEntry): string {
  const name = step === 'last-segment' ? 'last segment' : step;
  return number === undefined ? name : `${name} ${number}`;
}

/** Returns a bar from the earliest to the latest moment of a step. `xOf` returns the place of a moment. */
function bar(entry: TimelineEntry, xOf: (ms: number) => number): string {
  const { step, earliestMs, latestMs } = entry;
  const from = xOf(earliestMs);
  const width = Math.max(2, xOf(latestMs) - from);
  const [earliest, latest] = [humanDuration(earliestMs), humanDuration(latestMs)];
  return (
    `<rect x="${from}" y="${size.line - size.bar / 2}" width="${width}" height="${size.bar}" fill="${colours[step] ?? otherColour}">` +
    `<title>${escaped(`${entryName(entry)}: ${earliest} to ${latest}`)}</title></rect>` +
    `<text x="${from}" y="${size.line + size.bar + 6}" text-anchor="middle">${earliest}</text>`
  );
}

/** Returns the timeline of a quiet peer that vanishes as an SVG picture, to scale. */
export function timelineSvg({ policy, timeline }: Explanation): string {
  const endMs = timeline.at(-1)?.latestMs ?? 0;
  const lineWidth = size.width - 2 * size.margin;
  const xOf = (ms: number) => Math.round((size.margin + (ms / endMs) * lineWidth) * 10) / 10;
  const title = escaped(`A quiet peer vanishes under ${policy}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<text x="${size.margin}" y="30" font-size="14">${title}</text>`,
    `<line x1="${size.margin}" y1="${size.line}" x2="${size.width - size.margin}" y2="${size.line}" stroke="#888"/>`,
    ...timeline.filter(({ isCertain }) => isCertain).map((entry) => bar(entry, xOf)),
    '</svg>',
    '',
  ].join('\n');
}
