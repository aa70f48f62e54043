import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { failedCall } from './failed-call.js';

/** As many as the kernel follows in one path (path_resolution(7)). */
const maxLinks = 40;

/** Returns what a link holds; undefined if the file is no link or cannot be read. */
function linkTarget(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

/**
 * Returns where a path leads in a process whose root directory is `root`: an absolute link starts at `root`, and `..` does
 * not leave it. The file need not exist.
 *
 * @param root An absolute path; its own links are not followed.
 * @throws {SystemCallError} ELOOP if there are too many links.
 */
export function pathInRoot(root: string, file: string): string {
  const pending = file.split('/');
  let resolved: string[] = [];
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      resolved.pop();
      continue;
    }
    const target = linkTarget(path.join(root, ...resolved, name));
    if (target === undefined) resolved.push(name);
    else {
      links += 1;
      if (links > maxLinks) throw failedCall('readlink', path.join(root, file), { code: 'ELOOP' });
      if (target.startsWith('/')) resolved = [];
      pending.unshift(...target.split('/'));
    }
  }
  return path.join(root, ...resolved);
}
