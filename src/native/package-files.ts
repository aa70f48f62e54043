import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UnsupportedError } from './errors.js';

/** Returns the file that this code runs from: of this package, or of the program if a bundler copied the code into it. */
function ownFile(): string {
  // A bundle of CommonJS modules has no `import.meta.url`, and webpack writes the file of the build machine in its place.
  // `node -e` has a global of this name, which is no path.
  if (typeof __filename === 'string' && path.isAbsolute(__filename)) return __filename;
  return import.meta.url?.startsWith('file:') ? fileURLToPath(import.meta.url) : '';
}

/** Yields `require` functions: of this code, and of the package as installed beside this code or the main file. */
function* resolvers(): Generator<NodeJS.Require> {
  for (const file of [ownFile(), process.argv[1] ?? '']) {
    if (!path.isAbsolute(file)) continue;
    const beside = createRequire(file);
    yield beside;
    const manifest = resolved(beside, 'tcp-keepalive/package.json');
    if (manifest !== undefined) yield createRequire(manifest);
  }
}

function resolved(resolver: NodeJS.Require, name: string): string | undefined {
  try {
    return resolver.resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * Loads a dependency of this package, or the package itself. Bundlers do not see the call: they cannot bundle a native addon.
 *
 * @throws the error of `require` if the module is neither beside this code nor beside the program's main file.
 */
export function requireFromPackage(name: string): unknown {
  for (const resolver of resolvers()) if (resolved(resolver, name) !== undefined) return resolver(name);
  return createRequire(process.execPath)(name);
}

/**
 * Returns the URL of a file in `dist/`, which has the same folders as `src/`: of this package, or if a bundler copied this
 * code into the program, of the package that is installed beside it.
 *
 * @throws {UnsupportedError} if there is neither.
 */
export function builtFile(name: string): string {
  const beside = path.join(path.dirname(ownFile()), '..', name);
  if (existsSync(beside)) return pathToFileURL(beside).href;
  for (const resolver of resolvers()) {
    const manifest = resolved(resolver, 'tcp-keepalive/package.json');
    if (manifest !== undefined) return pathToFileURL(path.join(path.dirname(manifest), 'dist', name)).href;
  }
  const requires = 'the package tcp-keepalive, installed beside the bundle or beside the main file of the program';
  throw new UnsupportedError('making system calls in a worker thread of a bundled program', requires);
}
