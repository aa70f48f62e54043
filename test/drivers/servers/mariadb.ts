import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asUser } from './as-user.js';
import { freePort, type ServerProgram, scratchDirectory, startServer } from './server-program.js';

export const mariadbUser = { user: 'tester', password: 'secret' };

/** A new database server with the account {@link mariadbUser}, with these settings besides. */
export async function startMariadb(settings: readonly string[] = []): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  chmodSync(directory, 0o755);
  const data = path.join(directory, 'data');
  mkdirSync(data);
  const prefix = asUser('mysql', data);
  const install = ['mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--skip-test-db'];
  const [command = '', ...args] = [...prefix, ...install, '--auth-root-authentication-method=normal'];
  const made = spawnSync(command, args, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`mariadb-install-db: ${made.stderr}${made.stdout}`);
  const accounts = path.join(directory, 'accounts.sql');
  const { user, password } = mariadbUser;
  writeFileSync(accounts, `CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}';\n`);
  const options = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${path.join(data, 'socket')}`,
    `--pid-file=${path.join(data, 'pid')}`,
    `--init-file=${accounts}`,
    '--skip-name-resolve',
    // On a busy machine a test may take longer than 10 s between the greeting and what follows.
    '--connect-timeout=60',
    '--innodb-buffer-pool-size=16M',
    ...settings.map((setting) => `--${setting}`),
  ];
  const [server = '', ...serverArgs] = [...prefix, '/usr/sbin/mariadbd', ...options];
  return startServer(server, serverArgs, { port, directory });
}
