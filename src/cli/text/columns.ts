import { displayWidth } from './display-width.js';

const gap = 2;

/** Returns texts side by side, in lines no longer than `width` where each text fits. */
export function renderColumns(texts: readonly string[], width: number): string {
  const column = Math.max(0, ...texts.map(displayWidth)) + gap;
  const perLine = Math.max(1, Math.floor((width + gap) / column));
  const lines = Array.from({ length: Math.ceil(texts.length / perLine) }, (_, at) =>
    texts.slice(at * perLine, (at + 1) * perLine),
  );
  return lines
    .map((line) =>
      line
        .map((text) => text + ' '.repeat(column - displayWidth(text)))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}
