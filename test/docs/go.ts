import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Block } from './blocks.js';
import { runToSuccess } from './child.js';
import type { Scratch } from './scratch.js';

/** KeepAliveConfig is from 1.23; the page also states what an older Go does. */
export type GoMinor = 19 | 23;

const environment = { GOTOOLCHAIN: 'local', GOPROXY: 'off', GOFLAGS: '-mod=mod', CGO_ENABLED: '0' };
const buildLimitMs = 300_000;

function minorOf(go: string): number | undefined {
  const { stdout } = spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8' });
  const minor = /^go1\.(\d+)/.exec(stdout ?? '')?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** Debian installs each version of Go beside the others. */
function debianGo(): string[] {
  const directories = readdirSync('/usr/lib').filter((name) => /^go-\d/.test(name));
  return directories.map((name) => `/usr/lib/${name}/bin/go`).filter((go) => existsSync(go));
}

/** The go command of a version: 23 takes a newer one too. Says why on the console where there is none. */
export function findGo(minor: GoMinor): string | undefined {
  const candidates = ['go', '/usr/local/go/bin/go', ...debianGo()];
  const found = candidates.find((go) => {
    const version = minorOf(go);
    return minor === 23 ? version !== undefined && version >= 23 : version === minor;
  });
  if (found !== undefined) return found;
  const reason = `Go 1.${minor} is not installed (scripts/install-go installs it on Debian)`;
  if (process.env['CI']) throw new Error(`${reason}, and in CI no test is left out`);
  console.warn(`${reason}: the Go programs of the documents are not run`);
  return undefined;
}

/** Compiles a Go program, and refuses one that gofmt would change. The compiler's line numbers are the document's. */
export async function buildGo(block: Block, go: string, scratch: Scratch): Promise<string> {
  const directory = scratch.subdirectory();
  const source = path.join(directory, 'main.go');
  writeFileSync(path.join(directory, 'go.mod'), `module example\n\ngo 1.${minorOf(go) === 19 ? 19 : 23}\n`);
  writeFileSync(source, block.code);
  const gofmt = path.join(path.dirname(go), 'gofmt');
  const misformatted = await runToSuccess(gofmt, ['-d', source], { cwd: directory });
  if (misformatted !== '') throw new Error(`gofmt would change this program:\n${misformatted}`);
  writeFileSync(source, '\n'.repeat(block.line) + block.code);
  const program = path.join(directory, 'bin', 'program');
  mkdirSync(path.dirname(program));
  await runToSuccess(go, ['build', '-o', program, '.'], { cwd: directory, env: environment, timeoutMs: buildLimitMs });
  return program;
}
