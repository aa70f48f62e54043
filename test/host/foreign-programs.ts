import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished, vi } from 'vitest';

/** A server program that no one here wrote, on a free port with a directory of its own. */
export interface ForeignProgram {
  readonly child: ChildProcess;
  readonly port: number;
  readonly directory: string;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  const isOpen = await new Promise<boolean>((resolve) =>
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
  );
  socket.destroy();
  return isOpen;
}

export function scratchDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'foreign-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts a program, waits until it accepts connections, and ends it with the test. */
async function start(command: string, args: string[], port: number, directory: string): Promise<ForeignProgram> {
  const child = spawn(command, args, { cwd: directory, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (text) => {
    complaints += text;
  });
  child.on('error', (error) => {
    complaints += error.message;
  });
  child.stdout.resume();
  onTestFinished(async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const deadline = performance.now() + 30_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${command}: ${complaints}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, port, directory };
}

export async function startRedis(): Promise<ForeignProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    directory,
    '--tcp-keepalive',
    '0',
  ];
  return start('redis-server', args, port, directory);
}

export async function startNginx(): Promise<ForeignProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const config = path.join(directory, 'nginx.conf');
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
     events {}
     http { access_log off; keepalive_timeout 300s; ${kinds.map((kind) => `${kind}_temp_path ${directory}/${kind};`).join(' ')}
            server { listen 127.0.0.1:${port}; return 200 ok; } }`,
  );
  return start('nginx', ['-c', config, '-e', 'stderr', '-p', directory], port, directory);
}

const postgresqlRoot = '/usr/lib/postgresql';

/** The folder of the newest PostgreSQL's programs, as Debian installs them. */
export function postgresqlPrograms(): string | undefined {
  if (!existsSync(postgresqlRoot)) return undefined;
  const newest = readdirSync(postgresqlRoot).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : path.join(postgresqlRoot, newest, 'bin');
}

/** PostgreSQL does not run as root: the command that makes a program run as the user that its package made. */
function asPostgres(directory: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  chownSync(directory, id('-u'), id('-g'));
  return ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--init-groups'];
}

export async function startPostgresql(): Promise<ForeignProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  chmodSync(directory, 0o755);
  const data = path.join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  const prefix = asPostgres(data);
  const program = (name: string) => path.join(postgresqlPrograms() ?? '', name);
  const [command = '', ...args] = [...prefix, program('initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-N'];
  const made = spawnSync(command, args, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const options = ['-D', data, '-p', String(port), '-k', data, '-c', 'listen_addresses=127.0.0.1'];
  const [server = '', ...serverArgs] = [...prefix, program('postgres'), ...options];
  const started = await start(server, serverArgs, port, directory);
  // It accepts connections a little before it answers them.
  await vi.waitFor(() => execFileSync(program('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]), 30_000);
  return started;
}

/** A Python server that answers each line with what its connection has: keepalive, idle, interval, count. */
export async function startPython(): Promise<ForeignProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  const program = path.join(directory, 'server.py');
  writeFileSync(
    program,
    `
import socket
listener = socket.create_server(("127.0.0.1", ${port}))
while True:
    connection, _ = listener.accept()
    while connection.recv(64):
        values = [connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
            values.append(connection.getsockopt(socket.IPPROTO_TCP, option))
        connection.sendall((" ".join(map(str, values)) + "\\n").encode())
`,
  );
  return start('python3', [program], port, directory);
}

/** A Go server that does the same. */
export async function startGo(go: string): Promise<ForeignProgram> {
  const [port, directory] = [await freePort(), scratchDirectory()];
  writeFileSync(path.join(directory, 'go.mod'), 'module server\n\ngo 1.23\n');
  writeFileSync(
    path.join(directory, 'main.go'),
    `package main

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

func main() {
	config := net.ListenConfig{KeepAlive: -1}
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:${port}")
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go answer(connection.(*net.TCPConn))
	}
}

func answer(connection *net.TCPConn) {
	line := make([]byte, 64)
	raw, _ := connection.SyscallConn()
	for {
		if _, err := connection.Read(line); err != nil {
			return
		}
		raw.Control(func(fd uintptr) {
			on, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
			idle, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
			interval, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)
			count, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
			fmt.Fprintln(connection, on, idle, interval, count)
		})
	}
}
`,
  );
  const environment = { ...process.env, GOTOOLCHAIN: 'local', GOPROXY: 'off', CGO_ENABLED: '0' };
  execFileSync(go, ['build', '-o', 'server', '.'], { cwd: directory, env: environment, stdio: 'pipe' });
  return start(path.join(directory, 'server'), [], port, directory);
}
