import { createRequire } from 'node:module';

const { cache } = createRequire(import.meta.url);

let depth = 0;

/** Returns true while this package loads its own native addon, which the search for the program's addons leaves out. */
export function isLoadingOwnAddon(): boolean {
  return depth > 0;
}

/**
 * Loads a package for this package alone. A program that requires the same package later gets a copy of its own, and
 * Node.js loads the addon for it again, which this package can notice. Use of a shared copy could not be noticed.
 */
export function loadForOwnUse<Package>(load: () => Package): Package {
  const before = new Set(Object.keys(cache));
  depth += 1;
  try {
    return load();
  } finally {
    depth -= 1;
    for (const file of Object.keys(cache)) if (!before.has(file)) delete cache[file];
  }
}

/** Returns true if the program has required a native addon in this thread. */
export function hasLoadedAddon(): boolean {
  return Object.keys(cache).some((file) => file.endsWith('.node'));
}
