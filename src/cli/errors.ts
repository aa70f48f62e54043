/** The names of the errors that a verb reports in one line. */
const expected = new Set([
  ...['ConfigurationError', 'DialectError', 'FileError', 'NamespaceReturnError', 'PolicyError', 'RecordError'],
  ...['SelectionError', 'SystemCallError', 'UnsupportedError'],
]);

const hints: Readonly<Record<string, string>> = {
  EMFILE: 'raise the limit of open files (ulimit -n)',
  EADDRINUSE: 'another program listens there: choose another --port, or end that program',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENFILE: 'the machine has no descriptor left (fs.file-max)',
};

/**
 * Returns the line that reports an expected error; undefined for a fault of this program.
 *
 * Compares names of classes: if no descriptor is left, the module of a class cannot be loaded any more.
 */
export function explanationOf(error: unknown): string | undefined {
  const { name, code, syscall, path, message } = error as NodeJS.ErrnoException;
  if (expected.has(name)) return message;
  if (typeof code !== 'string' || (syscall === undefined && path === undefined)) return undefined;
  const hint = hints[code] ?? (path?.startsWith('/proc') ? 'this takes /proc, is it mounted?' : undefined);
  return hint === undefined ? message : `${message}: ${hint}`;
}
