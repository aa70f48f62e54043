import { KeepAliveError } from '../keep-alive-error.js';

/** Where a {@link DialectError} stands, and what is wrong there. */
interface Fault {
  /** The line of the text, counted from 1. */
  readonly line?: number;
  readonly word?: string;
  readonly allowed: string;
}

/**
 * Thrown when a system is unknown, when its text is cut, wrong or without a word about keepalive, or when the system cannot
 * turn keepalive off. Nothing has been changed when it is thrown.
 */
export class DialectError extends KeepAliveError {
  override readonly name = 'DialectError';
  readonly code = 'ERR_KEEPALIVE_DIALECT';
  /** The system, such as `'nginx'`; of an unknown system, what was given. */
  readonly dialect: string;
  /** The line of the text that is wrong, counted from 1; undefined if the error is about no line. */
  readonly line: number | undefined;
  /** The word in that line; undefined if the error is about no word. */
  readonly word: string | undefined;
  /** What is accepted, in words. */
  readonly allowed: string;

  /** @internal */
  constructor(dialect: string, message: string, { line, word, allowed }: Fault) {
    super(line === undefined ? message : `${dialect}, line ${line}: ${message}`);
    this.dialect = dialect;
    this.line = line;
    this.word = word;
    this.allowed = allowed;
  }
}
