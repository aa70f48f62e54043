import type { TimelineEntry } from '../../../policy/model/timeline.js';
import { humanDuration } from '../../text/duration.js';
import type { Explanation } from './explanation.js';

const size = { width: 760, height: 150, margin: 40, line: 80 };

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Returns a timeline as an SVG picture, to scale: bars from the earliest to the latest moment of each step. */
export function timelineSvg({ policy, timeline: entries }: Explanation): string {
  const end = entries.at(-1)?.latestMs ?? 0;
  const x = (ms: number) => Math.round((size.margin + (ms / end) * (size.width - 2 * size.margin)) * 10) / 10;
  const drawn = entries.filter(({ isCertain }) => isCertain);
  const bar = ({ step, number, earliestMs, latestMs }: TimelineEntry) => {
    const colour = step === 'dead' ? '#c62828' : step === 'probe' ? '#ef6c00' : '#2e7d32';
    const name = `${step === 'last-segment' ? 'last segment' : step}${number === undefined ? '' : ` ${number}`}`;
    return (
      `<rect x="${x(earliestMs)}" y="${size.line - 12}" width="${Math.max(2, x(latestMs) - x(earliestMs))}" height="24" fill="${colour}">` +
      `<title>${escaped(`${name}: ${humanDuration(earliestMs)} to ${humanDuration(latestMs)}`)}</title></rect>` +
      `<text x="${x(earliestMs)}" y="${size.line + 30}" text-anchor="middle">${humanDuration(earliestMs)}</text>`
    );
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(`A quiet peer vanishes under ${policy}`)}</title>`,
    `<text x="${size.margin}" y="30" font-size="14">${escaped(`A quiet peer vanishes under ${policy}`)}</text>`,
    `<line x1="${size.margin}" y1="${size.line}" x2="${size.width - size.margin}" y2="${size.line}" stroke="#888"/>`,
    ...drawn.map(bar),
    '</svg>',
    '',
  ].join('\n');
}
