import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { asUser } from './as-user.js';
import { freePort, type ServerProgram, scratchDirectory, startServer } from './server-program.js';

const root = '/usr/lib/postgresql';

/** The folder of the newest PostgreSQL's programs, as Debian installs them. */
export function postgresqlPrograms(): string | undefined {
  if (!existsSync(root)) return undefined;
  const newest = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : path.join(root, newest, 'bin');
}

const program = (name: string) => path.join(postgresqlPrograms() ?? '', name);

/** A new cluster whose superuser `postgres` needs no password, with these settings and lines of postgresql.conf besides. */
export async function startPostgresql(settings: readonly string[] = [], configuration = ''): Promise<ServerProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  chmodSync(directory, 0o755);
  const data = path.join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  const prefix = asUser('postgres', data);
  const [command = '', ...args] = [...prefix, program('initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-N'];
  const made = spawnSync(command, args, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  appendFileSync(path.join(data, 'postgresql.conf'), configuration);
  const options = ['-D', data, '-p', String(port), '-k', data, '-c', 'listen_addresses=127.0.0.1'].concat(
    settings.flatMap((setting) => ['-c', setting]),
  );
  const [server = '', ...serverArgs] = [...prefix, program('postgres'), ...options];
  // It accepts connections a little before it answers them.
  const isReady = () => spawnSync(program('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]).status === 0;
  return startServer(server, serverArgs, { port, directory, isReady });
}
