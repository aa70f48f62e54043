/** Returns whether a text has only characters that take one column each and do nothing else. */
export const isPlain = (text: string) => /^[\x20-\x7e…]*$/.test(text);

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}

/** Returns text with escapes, such as `\x1b`, for characters that move the cursor, colour the text or reverse it. */
export function printable(text: string): string {
  return isPlain(text)
    ? text
    : text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu, escaped);
}

/** Like {@link printable}, for a text of several lines, which are kept. */
export function printableLines(text: string): string {
  return /^[\n\x20-\x7e]*$/.test(text) ? text : text.split('\n').map(printable).join('\n');
}

/** Returns JSON with escapes for characters that JSON allows in a string and a terminal acts on. */
export function printableJson(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
