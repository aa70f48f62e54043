import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Omission } from '../list/connection.js';
import { IrregularFileError, readRegularFile } from '../regular-file.js';
import { adviceFor, codeOf } from './failed-call.js';
import { maxBytes } from './found-file.js';
import { pathInRoot } from './path-in-root.js';

/** A file of settings. */
export interface ConfigurationFile {
  /** The path by which the file is read. */
  readonly readAs: string;
  /** The file itself, if that path leads through symbolic links. */
  readonly file: string;
  /** One character a byte. */
  readonly text: string;
}

export interface ConfigurationFiles {
  readonly files: readonly ConfigurationFile[];
  /** /etc/sysctl.conf, if nothing reads it at boot. */
  readonly notRead: ConfigurationFile | undefined;
  readonly incomplete: readonly Omission[];
}

/** A file that is going to be written. */
export type PlannedFile = Pick<ConfigurationFile, 'file' | 'text'>;

/** In the order of precedence: a name in an earlier directory hides the same name in later ones. */
const directories = ['etc/sysctl.d', 'run/sysctl.d', 'usr/local/lib/sysctl.d', 'usr/lib/sysctl.d', 'lib/sysctl.d'];

const systemd = ['usr/lib/systemd/systemd-sysctl', 'lib/systemd/systemd-sysctl'];

/**
 * Reads the files of settings in the order in which they are read at boot, with the planned file as if it were written.
 *
 * systemd-sysctl reads /etc/sysctl.conf only if a link in /etc/sysctl.d leads there (99-sysctl.conf, which not every
 * distribution ships). Without systemd, `sysctl --system` of procps reads it last.
 */
export function configurationFiles(root: string, planned?: PlannedFile): ConfigurationFiles {
  const incomplete: Omission[] = [];
  const follow = (file: string) => pathInRoot(root, path.relative(root, file));
  const realPath = (file: string) => {
    try {
      return follow(file);
    } catch {
      // A loop of links is told of where it is read.
      return file;
    }
  };
  // A link to /dev/null is the usual way to switch a file off.
  const textOf = (file: string) =>
    file === path.join(root, 'dev/null') ? '' : readRegularFile(file, maxBytes).toString('latin1');
  const namesIn = (directory: string): string[] => {
    const real = realPath(directory);
    const isPlanned = planned !== undefined && path.dirname(planned.file) === real;
    const added = isPlanned ? [path.basename(planned.file)] : [];
    try {
      return [...readdirSync(real), ...added];
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') incomplete.push({ what: directory, why: adviceFor(codeOf(error)) });
      return added;
    }
  };
  const read = (readAs: string): ConfigurationFile[] => {
    try {
      const file = follow(readAs);
      if (planned?.file === readAs || planned?.file === file) return [{ readAs, ...planned }];
      return [{ readAs, file, text: textOf(file) }];
    } catch (error) {
      const isIrregular = error instanceof IrregularFileError;
      incomplete.push({
        what: readAs,
        why: isIrregular ? `${error.message}, and was not read` : adviceFor(codeOf(error)),
      });
      return [];
    }
  };
  const byName = new Map<string, string>();
  for (const directory of directories.map((name) => path.join(root, name))) {
    for (const name of namesIn(directory)) {
      if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, path.join(directory, name));
    }
  }
  // By name as bytes, whatever the directory.
  const inOrder = [...byName].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const files = inOrder.flatMap(([, file]) => read(file));
  const main = path.join(root, 'etc/sysctl.conf');
  const isLinked = files.some(({ file }) => file === realPath(main));
  const exists = existsSync(realPath(main)) || planned?.file === main;
  const last = exists && !isLinked ? read(main) : [];
  const isRead = !systemd.some((file) => existsSync(pathInRoot(root, file)));
  return { files: isRead ? [...files, ...last] : files, notRead: isRead ? undefined : last[0], incomplete };
}
