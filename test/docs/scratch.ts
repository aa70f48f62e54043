import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from './blocks.js';

interface Manifest {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as Manifest;

function linkModules(modules: string): void {
  const installed = path.join(projectRoot, 'node_modules');
  mkdirSync(path.join(modules, '.bin'), { recursive: true });
  for (const entry of readdirSync(installed)) {
    if (!entry.startsWith('.') && entry !== manifest.name) {
      symlinkSync(path.join(installed, entry), path.join(modules, entry));
    }
  }
  for (const command of readdirSync(path.join(installed, '.bin'))) {
    if (manifest.bin[command] === undefined) {
      symlinkSync(path.join(installed, '.bin', command), path.join(modules, '.bin', command));
    }
  }
  symlinkSync(projectRoot, path.join(modules, manifest.name));
  for (const [command, file] of Object.entries(manifest.bin)) {
    const script = `#!/bin/sh\nexec "${process.execPath}" "${path.join(projectRoot, file)}" "$@"\n`;
    writeFileSync(path.join(modules, '.bin', command), script, { mode: 0o755 });
  }
}

/** A directory outside the project that looks like a user's project with this build installed. */
export class Scratch {
  #directory: string | undefined;
  #count = 0;

  /** Made when it is first asked for: listing the tests must leave nothing behind. */
  get directory(): string {
    if (this.#directory !== undefined) return this.#directory;
    this.#directory = mkdtempSync(path.join(os.tmpdir(), 'tcp-keepalive-docs-'));
    linkModules(path.join(this.#directory, 'node_modules'));
    writeFileSync(path.join(this.#directory, 'package.json'), '{ "name": "scratch", "type": "module" }');
    return this.#directory;
  }

  get binDirectory(): string {
    return path.join(this.directory, 'node_modules', '.bin');
  }

  /** A new directory inside, where node and npx find what is installed. */
  subdirectory(): string {
    this.#count += 1;
    const directory = path.join(this.directory, `program-${this.#count}`);
    mkdirSync(directory);
    return directory;
  }

  remove(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}
