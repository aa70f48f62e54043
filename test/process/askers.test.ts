import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';

const project = new URL('../../', import.meta.url);
const program = fileURLToPath(new URL('programs/askers.mjs', import.meta.url));

/** Makes a second copy of the package, as a dependency of a dependency may bring one. */
async function secondCopy(): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'tcp-keepalive-copy-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(new URL('dist/', project), join(folder, 'dist'), { recursive: true });
  await cp(new URL('package.json', project), join(folder, 'package.json'));
  await symlink(fileURLToPath(new URL('node_modules', project)), join(folder, 'node_modules'));
  return pathToFileURL(join(folder, 'dist/index.js'));
}

describe('two copies of the package and another process', () => {
  it('ask and watch the same connections at random, and all are as before', async () => {
    const distributions = [new URL('dist/index.js', project), await secondCopy()].map(({ href }) => href);
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...distributions], { timeout: 100_000 });
    expect(JSON.parse(stdout)).toEqual({ connections: 60, different: [] });
  });
});
