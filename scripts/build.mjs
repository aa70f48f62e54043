/**
 * Builds `dist/`: type declarations for each module, and for what package.json exports the JavaScript, in few files that
 * share what they have in common, because loading sixty files takes longer than running them. `dist/cjs/` has the same as
 * CommonJS modules, for programs that cannot load ES modules. Maps lead from all to `src/`, which the package carries.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
for (const folder of ['dist', 'dist/cjs'])
  compile('--outDir', inRoot(folder), '--emitDeclarationOnly', '--declarationMap');
// The compiler of TypeScript lowers `using` in loops rightly, which esbuild does not.
compile('--outDir', inRoot('build'), '--declaration', 'false', '--sourceMap');

const exported = Object.values(manifest.exports).flatMap((conditions) => conditions.import?.default ?? []);
// What worker threads need is a thread of its own, started from its file.
const nativeThread = 'native/thread/native-thread.js';
const entries = [...exported, ...Object.values(manifest.bin)].map((file) => path.relative('dist', file));
const options = {
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
};

const { inputs } = (await build({ ...options, write: false, metafile: true })).metafile;
const importsOf = (file, kind) => inputs[file].imports.filter((other) => other.kind === kind && other.path in inputs);
const reach = (file, reached = new Set()) => {
  if (reached.has(file)) return reached;
  reached.add(file);
  for (const { path: other } of importsOf(file, 'import-statement')) reach(other, reached);
  return reached;
};
const [forRegister, forIndex, forLinux] = ['process/register', 'index', 'linux'].map((name) =>
  reach(`build/${name}.js`),
);
const shared = [...forRegister].filter((file) => forIndex.has(file));
/** What the verbs share, but for what decodes connections or has the middleboxes: each verb loads it as one chunk. */
const kit = Object.keys(inputs).filter((file) => {
  const leadsFurther = () => [...reach(file)].some((other) => /^build\/(wire|policy\/plan)/.test(other));
  return /^build\/cli\/(shared|text)\//.test(file) && !leadsFurther();
});
/** The modules that `register` shares with `index` become two chunks, of which `linux` needs one. */
const layers = [shared.filter((file) => forLinux.has(file)), shared.filter((file) => !forLinux.has(file)), kit];
const loadedLater = Object.keys(inputs).flatMap((file) => importsOf(file, 'dynamic-import').map((other) => other.path));
const starts = new Set([...options.entryPoints.map((file) => path.relative(root, file)), ...loadedLater]);

/** esbuild makes a chunk for each set of entries that need a module. Entries that need part of a layer import all of it. */
function layerImports(file) {
  if (!starts.has(file)) return '';
  const reached = new Set(reach(file));
  // The first file of the command turns on the compile cache before it loads others.
  const hasKit = file !== 'build/cli/main.js' && kit.some((module) => reached.has(module));
  if (hasKit) for (const module of kit) reach(module, reached);
  const needed = layers.filter((layer) => (layer === kit ? hasKit : layer.some((module) => reached.has(module))));
  return needed
    .flat()
    .map((module) => `import ${JSON.stringify(inRoot(module))};`)
    .join('');
}

/** An import of a built-in module evaluates all its lazy properties, which takes 4 ms for `node:fs`. */
const builtinImport = /^import (\w+)?(?:, )?(\{[^}]*\})? ?from '(node:[^']+)';/gm;
const loadBuiltin = (_, whole, some, name) =>
  [whole, some?.replaceAll(' as ', ': ')]
    .flatMap((names) => (names ? `const ${names} = process.getBuiltinModule('${name}');` : []))
    .join(' ');

/** An import of a CommonJS module reads all its files for the names of its exports. */
const packageImport = /^import (\{[^}]*\}) from '(commander)';/gm;
const loadPackage = (_, names, name) =>
  `const ${names.replaceAll(' as ', ': ')} = process.getBuiltinModule('node:module').createRequire(import.meta.url)('${name}');`;

const loadLess = (importsOfLayers) => ({
  name: 'load-less',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path: file }) => {
      const code = readFileSync(file, 'utf8').replace(builtinImport, loadBuiltin).replace(packageImport, loadPackage);
      return { contents: `${code}\n${importsOfLayers(path.relative(root, file))}` };
    });
  },
});

const { outputs } = (await build({ ...options, metafile: true, plugins: [loadLess(layerImports)] })).metafile;

/** One CommonJS bundle has all modules, so that what is exported shares its state. A module is evaluated when it is needed. */
const doors = exported.map((file) => path.relative('dist', file));
const loaders = doors.map((file) => `${JSON.stringify(file)}: () => require(${JSON.stringify(inRoot('build', file))})`);
await build({
  ...options,
  entryPoints: undefined,
  stdin: { contents: `module.exports = {\n${loaders.join(',\n')}\n};`, resolveDir: root, loader: 'js' },
  outdir: undefined,
  outbase: undefined,
  outfile: inRoot('dist/cjs/bundle.js'),
  splitting: false,
  format: 'cjs',
  define: { 'import.meta.url': 'undefined' },
  plugins: [loadLess(() => '')],
});
writeFileSync(inRoot('dist/cjs/package.json'), '{ "type": "commonjs" }\n');
for (const file of doors) {
  const bundle = path.relative(path.dirname(file), 'bundle.js');
  const from = JSON.stringify(bundle.startsWith('.') ? bundle : `./${bundle}`);
  const names = outputs[`dist/${file}`].exports.join(', ');
  writeFileSync(
    inRoot('dist/cjs', file),
    `'use strict';
module.exports = require(${from})[${JSON.stringify(file)}]();
// Tells \`import\` the names.
0 && (module.exports = { ${names} });
`,
  );
}
for (const file of Object.values(manifest.bin)) chmodSync(inRoot(file), 0o755);
const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
writeFileSync(
  inRoot(manifest.man[0]),
  execFileSync(process.execPath, [inRoot(manifest.bin[manifest.name]), 'man'], { env }),
);
rmSync(inRoot('build'), { recursive: true, force: true });
