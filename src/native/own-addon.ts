import { createRequire } from 'node:module';

const { cache } = createRequire(process.execPath);

let depth = 0;

/** Returns whether this package is loading its own native addon, which is not an addon of the program. */
export function isLoadingOwnAddon(): boolean {
  return depth > 0;
}

/**
 * Loads a dependency for this package alone: a program that requires the same dependency later gets a copy of its own.
 * Node.js then loads the addon again, and this package notices the load. Use of a shared copy would stay unnoticed.
 */
export function loadForOwnUse<Dependency>(load: () => Dependency): Dependency {
  const before = new Set(Object.keys(cache));
  depth += 1;
  try {
    return load();
  } finally {
    depth -= 1;
    for (const file of Object.keys(cache)) if (!before.has(file)) delete cache[file];
  }
}

/** Returns whether the program has required a native addon in this thread. */
export function hasLoadedAddon(): boolean {
  return Object.keys(cache).some((file) => file.endsWith('.node'));
}
