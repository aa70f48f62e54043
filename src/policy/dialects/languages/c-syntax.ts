/** Comments of C and of the languages that took them over. */
export const cComments = /\/\/.*|\/\*[\s\S]*?(?:\*\/|(?![\s\S]))/g;

/** The end of an argument: `30` is no value in `30 * 60`. */
export const argumentEnd = String.raw`(?=\s*(?:[),;}\]]|$))`;

/** A number, a variable or an address of a variable. */
export const operand = `&?\\w+${argumentEnd}`;

/**
 * The word for an option in a call that sets it, as in `set(level, OPTION, 30)`. Tells such a call from a check whether the
 * option is known, and from a call that reads it.
 */
export const option = {
  separator: String.raw`\s*,\s*`,
  value: operand,
  onlyBefore: String.raw`(?<!\b[Gg]et(?:sockopt|SocketOption)\s*\([^();]{0,200})\s*(?:,|$)`,
} as const;
