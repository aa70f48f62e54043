import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { targetText } from '../../../socket/path/open-connection.js';
import { pathServer } from '../../../socket/path/path-server.js';
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
  const { address, port: bound } = server.address() as AddressInfo;
  print(`listening on ${targetText({ host: address, port: bound })}, until Ctrl+C\n`);
}

/** `tcp-keepalive nat serve`: a server that tolerates idle clients. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('answer where there is no server that tolerates idle clients')
    .option('--port <port>', 'the port to listen on', portArgument, defaultPort)
    .option('--host <address>', 'the own address to listen on (default: all)')
    .addHelpText(
      'after',
      `
Runs until a signal ends it. It never closes an idle connection, sends no
probes, and takes at most 1000 connections. At the other end:
  tcp-keepalive nat HOST:${defaultPort}                the client speaks first
  tcp-keepalive nat HOST:${defaultPort} --from-server  the server speaks first

Exit code: 1 wrong usage or the port cannot be had; else that of the signal. All
verbs: docs/exit-codes.md

Example:
  $ tcp-keepalive nat serve --port 8350`,
    )
    .action(serve);
}
