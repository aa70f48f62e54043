import { KeepAliveError } from '../keep-alive-error.js';

/** Where a {@link DialectError} stands, and what is wrong there. */
interface Fault {
  /** The line of the text, counted from 1. */
  readonly line?: number;
  readonly word?: string;
  readonly allowed: string;
}

/**
 * Thrown when a system has another name than those that are known, when its text does not say a policy, or when the system
 * cannot say what is asked for.
 *
 * `dialect` is the system, `line` and `word` say where the text is wrong, `allowed` says what is accepted.
 */
export class DialectError extends KeepAliveError {
  override readonly name = 'DialectError';
  readonly code = 'ERR_KEEPALIVE_DIALECT';
  readonly dialect: string;
  readonly line: number | undefined;
  readonly word: string | undefined;
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
