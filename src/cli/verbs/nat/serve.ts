import { once } from 'node:events';
import { Command } from 'commander';
import { mostConnections } from '../../../socket/path/path-options.js';
import { pathServer } from '../../../socket/path/path-server.js';
import { type Endpoint, endpointText } from '../../../wire/endpoint.js';
import { print } from '../../shared/output.js';
import { portArgument } from './target.js';

const defaultPort = 7350;

interface ServeOptions {
  readonly port: number;
  readonly host?: string;
}

async function serve({ port, host }: ServeOptions): Promise<void> {
  const server = pathServer();
  server.listen({ port, host });
  await once(server, 'listening');
  print(`listening on ${endpointText(server.address() as Endpoint)}, until Ctrl+C\n`);
}

/** `tcp-keepalive nat serve`: a server that tolerates idle clients. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('run a server that tolerates idle clients, to measure the path to it')
    .option('--port <port>', 'the port to listen on', portArgument, defaultPort)
    .option('--host <address>', 'the address of this machine to listen on (default: all)')
    .addHelpText(
      'after',
      `
Runs until a signal ends it. It never closes an idle connection, sends no
probes, and takes at most ${mostConnections} connections. At the other end:
  tcp-keepalive nat HOST:${defaultPort}                the client speaks first
  tcp-keepalive nat HOST:${defaultPort} --from-server  the server speaks first

Exit code: 1 wrong usage or the port cannot be had; else that of the signal. All
verbs: docs/exit-codes.md

Example:
  $ tcp-keepalive nat serve --port 8350`,
    )
    .action(serve);
}
