import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Omission } from '../../src/host/list/connection.js';
import type { ConnectionJson } from '../../src/host/list/row.js';
import { program } from '../cli/run-cli.js';

/** What `tcp-keepalive ls --json` prints. */
export interface OwnListing {
  readonly connections: readonly ConnectionJson[];
  readonly incomplete: readonly Omission[];
}

/** Lists every TCP socket of this program's network namespace with our own command; fails unless it exits with 0. */
export async function ownListing(): Promise<OwnListing> {
  const options = { maxBuffer: 1 << 28, timeout: 60_000 };
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'ls', '--json', '--all-states'], options);
  return JSON.parse(stdout) as OwnListing;
}
