import { describe, expect, it } from 'vitest';
import { colourDepth, createPaint, type Tone } from './colour.js';

const tones: readonly Tone[] = ['good', 'warning', 'serious', 'bad'];
const xterm = { TERM: 'xterm-256color' };

describe('colourDepth', () => {
  it.each<[Parameters<typeof colourDepth>, boolean]>([
    [['auto', true, xterm], true],
    [['auto', false, xterm], false],
    [['auto', true, { TERM: 'dumb' }], false],
    [['auto', true, { ...xterm, NO_COLOR: '1' }], false],
    [['auto', true, { ...xterm, NO_COLOR: '' }], true],
    [['auto', true, { ...xterm, NODE_DISABLE_COLORS: '1' }], false],
    [['auto', false, { FORCE_COLOR: '1' }], true],
    [['auto', false, { ...xterm, FORCE_COLOR: 'yes' }], true],
    [['auto', true, { ...xterm, FORCE_COLOR: '0' }], false],
    [['auto', true, { ...xterm, FORCE_COLOR: 'false' }], false],
    [['auto', false, { ...xterm, FORCE_COLOR: '' }], false],
    [['auto', true, { ...xterm, FORCE_COLOR: '1', NO_COLOR: '1' }], true],
    [['always', false, { TERM: 'dumb', NO_COLOR: '1', FORCE_COLOR: '0' }], true],
    [['never', true, { ...xterm, FORCE_COLOR: '1' }], false],
  ])('%j: %s', (given, isColoured) => {
    expect(createPaint(colourDepth(...given))('x', 'bad') !== 'x').toBe(isColoured);
  });

  it('uses the 256 colours only where the terminal has them', () => {
    expect(createPaint(colourDepth('auto', true, xterm))('x', 'bad')).toBe('\u001b[38;5;160mx\u001b[39m');
    expect(createPaint(colourDepth('auto', true, { TERM: 'linux' }))('x', 'bad')).toBe('\u001b[31mx\u001b[39m');
  });
});

describe('the colours', () => {
  /** The part of light that a colour of the 6 x 6 x 6 cube gives (WCAG 2, relative luminance). */
  function luminance(index: number): number {
    const levels = [0, 95, 135, 175, 215, 255];
    const cube = index - 16;
    const [red, green, blue] = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => {
      const part = (levels[level] as number) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  it.each(tones)('%s is legible on black and on white', (tone) => {
    const index = Number(/38;5;(\d+)m/.exec(createPaint(8)('x', tone))?.[1]);
    const light = luminance(index);
    expect((light + 0.05) / 0.05).toBeGreaterThan(3.8);
    expect(1.05 / (light + 0.05)).toBeGreaterThan(3.8);
  });

  it('are different ones', () => {
    for (const depth of [4, 8]) {
      expect(new Set(tones.map((tone) => createPaint(depth)('x', tone))).size).toBe(tones.length);
    }
  });
});
