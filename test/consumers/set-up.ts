import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder whose node_modules has the packed package. Tests copy fixtures into folders inside. */
    readonly consumersFolder: string;
  }
}

const here = import.meta.dirname;
const project = path.resolve(here, '../..');

const installTools =
  '[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --ignore-scripts';

/** Removes the folders of runs that were killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(here)) {
    const pid = /^run-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(path.join(here, name), { recursive: true });
  }
}

/** Installs the tools, and puts the package, as `npm pack` makes it, into a folder of this run. */
export function setup({ provide }: TestProject): () => void {
  // Two runs may start at once.
  execFileSync('flock', ['package.json', 'sh', '-c', installTools], { cwd: here, stdio: 'inherit' });
  removeLeftovers();
  const folder = path.join(here, `run-${process.pid}`);
  const installed = path.join(folder, 'node_modules/tcp-keepalive');
  mkdirSync(installed, { recursive: true });
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: project, stdio: 'pipe' });
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', path.join(folder, tarball), '-C', installed, '--strip-components=1']);
  provide('consumersFolder', folder);
  // A program that was killed may still write.
  return () => rmSync(folder, { recursive: true, maxRetries: 10 });
}
