import { existsSync } from 'node:fs';
import path from 'node:path';
import { cannotRun } from '../../requirement.js';

/** Whether tests with a server must be skipped, because its program is not installed. */
export function lacks(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin'];
  const isInstalled = folders.some((folder) => existsSync(path.resolve(folder, program)));
  return cannotRun(!isInstalled, `${program} is not installed (scripts/install-test-servers)`);
}

/** Whether tests with libraries must be skipped, because these are not installed. */
export function lacksLibraries(): boolean {
  const folder = new URL('../programs/libraries/node_modules/', import.meta.url);
  return cannotRun(!existsSync(folder), 'its library is not installed (scripts/install-test-libraries)');
}
