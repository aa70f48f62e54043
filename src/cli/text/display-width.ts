import { createRequire } from 'node:module';
import type stringWidth from 'string-width';
import { isPlain } from './printable.js';

/** Loaded for the first text that is not plain: its `Intl.Segmenter` takes longer to make than a short list. */
let loadedWidth: { readonly default: typeof stringWidth } | undefined;

/** Returns the columns that a text takes on a terminal. */
export function displayWidth(text: string): number {
  if (isPlain(text)) return text.length;
  loadedWidth ??= createRequire(import.meta.url)('string-width') as NonNullable<typeof loadedWidth>;
  return loadedWidth.default(text);
}
