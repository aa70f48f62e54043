import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A server program that no one here wrote, on a free port with a directory of its own. */
export interface ServerProgram {
  readonly child: ChildProcess;
  readonly port: number;
  readonly directory: string;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

/** How a server program is started. */
export interface StartOptions {
  readonly port: number;
  readonly directory: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A server that answers on its port before it can be used says here whether it can. */
  readonly isReady?: () => boolean | Promise<boolean>;
}

const portsEach = 1000;
const firstPort = 20_000 + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 12) * portsEach;
const given = new Set<number>();

/**
 * A port that nothing listens on. It is below those that the kernel gives to outgoing connections
 * (ip_local_port_range), of which one could otherwise take it before the server does, or meet itself on it. Each worker
 * of the test runner has ports of its own, because a server may take a while to bind the one that it is given.
 */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  for (;;) {
    const port = firstPort + randomInt(portsEach);
    if (given.has(port)) continue;
    server.listen(port, '127.0.0.1');
    const isFree = await new Promise<boolean>((resolve) =>
      server.once('listening', () => resolve(true)).once('error', () => resolve(false)),
    );
    server.removeAllListeners();
    if (!isFree) continue;
    given.add(port);
    server.close();
    await once(server, 'close');
    return port;
  }
}

export function scratchDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), 'server-'));
}

export async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  const isOpen = await new Promise<boolean>((resolve) =>
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
  );
  socket.destroy();
  return isOpen;
}

/** Ends a process that was started here, and waits until it has gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const startLimitMs = 180_000;

/** Starts a program and waits until it accepts connections. */
export async function startServer(command: string, args: string[], options: StartOptions): Promise<ServerProgram> {
  const { port, directory, env = process.env, isReady = () => true } = options;
  const child = spawn(command, args, { cwd: directory, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  const collect = (text: unknown) => {
    complaints = `${complaints}${text}`.slice(-4000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.on('error', collect);
  const stop = async () => {
    await end(child);
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  const deadline = performance.now() + startLimitMs;
  const hasEnded = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  while (hasEnded() || !((await accepts(port)) && (await isReady()))) {
    if (hasEnded() || performance.now() > deadline) {
      await stop();
      throw new Error(`${command} did not start: ${complaints}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, port, directory, stop };
}
