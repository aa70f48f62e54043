/**
 * Builds `dist/`: type declarations for each module, and for what package.json exports the JavaScript, in few files that
 * share what they have in common, because loading sixty files takes longer than running them. Maps lead from both to
 * `src/`, which the package carries.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(import.meta.dirname, '..');
const inRoot = (...parts) => path.join(root, ...parts);
const manifest = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

for (const folder of ['dist', 'build']) rmSync(inRoot(folder), { recursive: true, force: true });
const compile = (...options) =>
  execFileSync(process.execPath, [tsc, '-p', inRoot('tsconfig.build.json'), ...options], { stdio: 'inherit' });
compile('--outDir', inRoot('dist'), '--emitDeclarationOnly', '--declarationMap');
// The compiler of TypeScript lowers `using` in loops rightly, which esbuild does not.
compile('--outDir', inRoot('build'), '--declaration', 'false', '--sourceMap');

const exported = Object.values(manifest.exports).flatMap(({ default: file }) => file ?? []);
// What worker threads need is a thread of its own, started from its file.
const nativeThread = 'native/thread/native-thread.js';
const entries = [...exported, ...Object.values(manifest.bin)].map((file) => path.relative('dist', file));
await build({
  entryPoints: [...entries, nativeThread].map((file) => inRoot('build', file)),
  outbase: inRoot('build'),
  outdir: inRoot('dist'),
  // As deep as dist/cli, so that what a file finds relative to itself is where it was.
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
});
for (const file of Object.values(manifest.bin)) chmodSync(inRoot(file), 0o755);
rmSync(inRoot('build'), { recursive: true, force: true });
