import { WriteStream } from 'node:tty';

/** The meaning of a colour. The text beside the colour says the same. */
export type Tone = 'good' | 'warning' | 'serious' | 'bad';

/**
 * Each tone in the terminal's own 16 colours, and as a colour of the 256-colour palette: #008700, #af5f00, #d700af and #d70000 have
 * a contrast of at least 3.9 on black and on white.
 */
const codes: Readonly<Record<Tone, { readonly basic: number; readonly palette: number }>> = {
  good: { basic: 32, palette: 28 },
  warning: { basic: 33, palette: 130 },
  serious: { basic: 35, palette: 163 },
  bad: { basic: 31, palette: 160 },
};

/** Colours a printable text by a tone. Without a tone, returns the text unchanged. */
export type Paint = (text: string, tone?: Tone) => string;

/** Adds no colour. */
export const plain: Paint = (text) => text;

/** Returns a {@link Paint} for a terminal of a colour depth in bits, 1 for no colours. */
export function createPaint(depth: number): Paint {
  if (depth < 4) return plain;
  return (text, tone) => {
    if (tone === undefined || text === '') return text;
    const { basic, palette } = codes[tone];
    return `\u001b[${depth < 8 ? basic : `38;5;${palette}`}m${text}\u001b[39m`;
  };
}

export const colourChoices = ['auto', 'always', 'never'] as const;

/** When to use colours: `auto` uses them on a terminal. */
export type ColourChoice = (typeof colourChoices)[number];

/**
 * Returns the colour depth of the output in bits, 1 for no colours.
 *
 * With `auto`, FORCE_COLOR decides; without FORCE_COLOR there are no colours where the output is no terminal, NO_COLOR is
 * set or TERM is `dumb` (no-color.org, force-color.org, tty.WriteStream.getColorDepth()).
 */
export function colourDepth(choice: ColourChoice, isTerminal: boolean, env: NodeJS.ProcessEnv): number {
  const { FORCE_COLOR, NO_COLOR, NODE_DISABLE_COLORS, ...rest } = env;
  if (choice === 'never') return 1;
  const depth = WriteStream.prototype.getColorDepth.call(undefined, rest);
  if (choice === 'always') return Math.max(4, depth);
  if (FORCE_COLOR) return /^(0|false)$/i.test(FORCE_COLOR) ? 1 : Math.max(4, depth);
  if (!isTerminal || NO_COLOR || NODE_DISABLE_COLORS) return 1;
  return depth;
}
