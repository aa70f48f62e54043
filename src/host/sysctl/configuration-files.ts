import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Omission } from '../list/connection.js';
import { IrregularFileError, readRegularFile } from '../regular-file.js';
import { adviceFor, codeOf } from './failed-call.js';

/** A file of settings, in the place where it is read. */
export interface ConfigurationFile {
  /** The path by which it is read. */
  readonly readAs: string;
  /** The file itself, where that path leads through symbolic links. */
  readonly file: string;
  /** One character a byte. */
  readonly text: string;
}

export interface ConfigurationFiles {
  readonly files: readonly ConfigurationFile[];
  /** /etc/sysctl.conf, where nothing reads it at boot. */
  readonly notRead: ConfigurationFile | undefined;
  readonly incomplete: readonly Omission[];
}

/** A file that is to be written, seen as if it were; without text as if it were removed. */
export interface PlannedFile {
  readonly file: string;
  readonly text: string | null;
}

/** In the order of precedence: a name in an earlier directory hides the same name in later ones. */
const directories = ['etc/sysctl.d', 'run/sysctl.d', 'usr/local/lib/sysctl.d', 'usr/lib/sysctl.d', 'lib/sysctl.d'];

const maxBytes = 4 * 1024 * 1024;

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** The names in a directory, with the planned file as if its plan were carried out. */
function namesIn(directory: string, planned: PlannedFile | undefined, incomplete: Omission[]): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') incomplete.push({ what: directory, why: adviceFor(codeOf(error)) });
  }
  if (planned === undefined || path.dirname(planned.file) !== realPath(directory)) return names;
  const others = names.filter((name) => name !== path.basename(planned.file));
  return planned.text === null ? others : [...others, path.basename(planned.file)];
}

/** The paths to read: a name in /etc hides it in /run, and so on; then by name as bytes, whatever the directory. */
function pathsInOrder(root: string, planned: PlannedFile | undefined, incomplete: Omission[]): string[] {
  const byName = new Map<string, string>();
  for (const directory of directories.map((name) => path.join(root, name))) {
    for (const name of namesIn(directory, planned, incomplete)) {
      if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, path.join(directory, name));
    }
  }
  return [...byName].sort(([a], [b]) => byBytes(a, b)).map(([, file]) => file);
}

/** Returns why a file's text is not read, or the text. */
function readText(file: string): string | Omission {
  try {
    const status = statSync(file);
    // A link to /dev/null is the usual way to switch a file off.
    if (status.isCharacterDevice() && realpathSync(file).endsWith('/dev/null')) return '';
    return readRegularFile(file, maxBytes).toString('latin1');
  } catch (error) {
    if (error instanceof IrregularFileError) return { what: file, why: `${error.message}, and was not read` };
    return { what: file, why: adviceFor(codeOf(error)) };
  }
}

function readConfiguration(readAs: string, planned: PlannedFile | undefined): ConfigurationFile | Omission {
  const file = realPath(readAs);
  if (planned !== undefined && (planned.file === readAs || planned.file === file)) {
    return { readAs, file: planned.file, text: planned.text ?? '' };
  }
  const text = readText(readAs);
  return typeof text === 'string' ? { readAs, file, text } : text;
}

function hasSystemd(root: string): boolean {
  return ['usr/lib/systemd/systemd-sysctl', 'lib/systemd/systemd-sysctl'].some((file) =>
    existsSync(path.join(root, file)),
  );
}

/**
 * The files of settings in the order in which they are read.
 *
 * systemd-sysctl reads /etc/sysctl.conf only where a link in /etc/sysctl.d leads there (99-sysctl.conf, which not every
 * distribution ships); where there is no systemd, `sysctl --system` of procps reads it last.
 */
export function configurationFiles(root: string, planned?: PlannedFile): ConfigurationFiles {
  const incomplete: Omission[] = [];
  const read = (file: string) => {
    const configuration = readConfiguration(file, planned);
    if (!('why' in configuration)) return [configuration];
    incomplete.push(configuration);
    return [];
  };
  const files = pathsInOrder(root, planned, incomplete).flatMap(read);
  const main = path.join(root, 'etc/sysctl.conf');
  const isLinked = files.some(({ file }) => file === realPath(main));
  const exists = existsSync(main) || planned?.file === main;
  if (!exists || isLinked) return { files, notRead: undefined, incomplete };
  const [last] = read(main);
  if (hasSystemd(root)) return { files, notRead: last, incomplete };
  return { files: last === undefined ? files : [...files, last], notRead: undefined, incomplete };
}
