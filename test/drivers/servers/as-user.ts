import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';

/**
 * The start of a command that runs a program as another user, who is given `directory`; empty unless this is root,
 * whom some servers refuse to run as.
 */
export function asUser(user: string, directory: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  chownSync(directory, id('-u'), id('-g'));
  return ['setpriv', '--reuid', user, '--regid', String(id('-g')), '--init-groups'];
}
