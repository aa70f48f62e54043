import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { startPostgresql as startPostgresqlServer } from '../drivers/servers/postgresql.js';
import { startRedis as startRedisServer } from '../drivers/servers/redis.js';
import { freePort, type ServerProgram, scratchDirectory, startServer } from '../drivers/servers/server-program.js';

/** Ends a server with the test. */
function ended(program: ServerProgram): ServerProgram {
  onTestFinished(() => program.stop());
  return program;
}

export const startRedis = async () => ended(await startRedisServer());

export const startPostgresql = async () => ended(await startPostgresqlServer());

export async function startNginx(): Promise<ServerProgram> {
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
  return ended(await startServer('nginx', ['-c', config, '-e', 'stderr', '-p', directory], { port, directory }));
}

/** A Python server that answers each line with what its connection has: keepalive, idle, interval, count. */
export async function startPython(): Promise<ServerProgram> {
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
  return ended(await startServer('python3', [program], { port, directory }));
}

/** A Go server that does the same. */
export async function startGo(go: string): Promise<ServerProgram> {
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
  return ended(await startServer(path.join(directory, 'server'), [], { port, directory }));
}
