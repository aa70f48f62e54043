/** What programming languages have in common. */

/** Names of code, without dots and hyphens. */
export const codeNames = /[A-Za-z_]\w*/g;

/** Comments of C and of the languages that took them over. */
export const cComments = /\/\/.*|\/\*[\s\S]*?(?:\*\/|(?![\s\S]))/g;

/** A number, a variable or an address of a variable. */
export const operand = String.raw`&?\w+`;
