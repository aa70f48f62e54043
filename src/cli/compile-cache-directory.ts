import { mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';

const writableByOthers = 0o022;
const sticky = 0o1000;

/** Returns whether nobody but this user and root can replace a directory or one above it. `directory` has no links. */
function isOutOfReach(directory: string, uid: number): boolean {
  const { uid: owner, mode } = statSync(directory);
  const isOwned = (owner === uid || owner === 0) && ((mode & writableByOthers) === 0 || (mode & sticky) !== 0);
  const above = path.dirname(directory);
  return isOwned && (above === directory || isOutOfReach(above, uid));
}

/** Returns a directory without its links, made if it is missing; `undefined` if another user could change it. */
function safeDirectory(directory: string, uid: number): string | undefined {
  const above = realpathSync(path.dirname(directory));
  if (!isOutOfReach(above, uid)) return undefined;
  try {
    mkdirSync(path.join(above, path.basename(directory)), 0o700);
  } catch {
    // It may exist. If it does not, it is not found below.
  }
  const real = realpathSync(directory);
  return isOutOfReach(real, uid) ? real : undefined;
}

/**
 * Returns the directory for the compile cache of Node.js; `undefined` for no cache.
 *
 * A file of the cache holds the bytecode that V8 runs. Node.js compares CRC-32 sums of it, but no owner (src/compile_cache.cc,
 * `ReadCacheFile`): who can write the file decides what this program does. The default of Node.js is in /tmp, where
 * any user can make the directory first, and wait for root. The directory here is one that only this user can write.
 */
export function compileCacheDirectory(): string | undefined {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const uid = process.geteuid?.();
  if (uid === undefined || (!XDG_CACHE_HOME && !HOME)) return undefined;
  const caches = path.resolve('/', XDG_CACHE_HOME || path.join(HOME as string, '.cache'));
  try {
    if (safeDirectory(caches, uid) === undefined) return undefined;
    const directory = safeDirectory(path.join(caches, 'tcp-keepalive'), uid);
    if (directory === undefined) return undefined;
    const { uid: owner, mode } = statSync(directory);
    return owner === uid && (mode & 0o077) === 0 ? directory : undefined;
  } catch {
    return undefined;
  }
}
