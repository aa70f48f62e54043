import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportPolicy, importPolicy, kernelDefaults } from '../../../src/index.js';
import { buildGo, findGo } from '../../docs/go.js';
import { Scratch } from '../../docs/scratch.js';
import { cannotRun } from '../../requirement.js';
import { policyOfClient, silentServer } from './client-side.js';

const folder = mkdtempSync(path.join(tmpdir(), 'dialect-programs-'));
const go = findGo(23);
const goScratch = new Scratch();
let server: Awaited<ReturnType<typeof silentServer>>;
beforeAll(async () => {
  server = await silentServer();
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
  goScratch.remove();
});

/** Writes a file of a program. Returns its path. */
function file(name: string, text: string): string {
  const written = path.join(folder, name);
  writeFileSync(written, text);
  return written;
}

function succeed(command: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
}

const lacks = (command: string, args: readonly string[], debian: string) =>
  cannotRun(spawnSync(command, args).status !== 0, `${command} is not installed (apt-get install ${debian})`);

/** Where Debian installs the sources of crates. */
const crates = '/usr/share/cargo/registry';

function lacksRust(): boolean {
  const hasCrate = existsSync(crates) && readdirSync(crates).some((name) => name.startsWith('socket2-'));
  const reason = 'the crate socket2 is not installed (apt-get install librust-socket2-dev)';
  return cannotRun(!hasCrate, reason) || lacks('cargo', ['--version'], 'cargo');
}

/** The policies that the programs are given: with a user timeout and without, and the limits of the kernel. */
const policies = ['30:5:3:auto', '31:6:4', '1:32767:1', '32767:1:127:1500ms'];

describe('an exported policy, run as the program that it is, sets the options of a connection:', () => {
  it('Node.js, which before 24.19 and 26.4 sets 1 s and 10', async () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const hasNumbers = major > 26 || (major === 26 && minor >= 4) || (major === 24 && minor >= 19);
    for (const policy of policies) {
      const { text, inForce } = exportPolicy(policy, 'node');
      const program = `const socket = require('node:net').connect(${server.port}, '127.0.0.1', () => {
        ${text} console.log('ready'); });`;
      const idle = policy.split(':')[0];
      const expected = hasNumbers ? inForce : `${idle}:1:10`;
      expect(await policyOfClient(process.execPath, ['-e', program], server)).toBe(expected);
    }
    // One number that is 0 leaves all numbers to the kernel.
    const zero = 'socket.setKeepAlive(true, 30000, 5000, 0);';
    const program = `const socket = require('node:net').connect(${server.port}, '127.0.0.1', () => {
      ${zero} console.log('ready'); });`;
    const read = hasNumbers ? importPolicy('node', zero).policy : '30:1:10';
    expect(await policyOfClient(process.execPath, ['-e', program], server)).toBe(read);
  });

  it.skipIf(lacks('/usr/bin/python3', ['--version'], 'python3'))('Python', async () => {
    for (const policy of policies) {
      const { text, inForce } = exportPolicy(policy, 'python');
      const program = `${text}
sock = socket.create_connection(('127.0.0.1', ${server.port}))
set_keepalive(sock)
print('ready', flush=True)
input()
`;
      expect(await policyOfClient('/usr/bin/python3', [file('program.py', program)], server)).toBe(inForce);
      expect(inForce).toBe(policy);
    }
  });

  it.skipIf(lacks('cc', ['--version'], 'gcc libc6-dev'))('C, without a warning', async () => {
    for (const policy of policies) {
      const { text, inForce } = exportPolicy(policy, 'c');
      const program = `${text}
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(${server.port}) };
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 || set_keepalive(fd) != 0) return 1;
  puts("ready");
  fflush(stdout);
  return (int)read(0, &to, 1);
}
`;
      succeed('cc', [
        '-std=c99',
        '-D_DEFAULT_SOURCE',
        '-Wall',
        '-Wextra',
        '-Wpedantic',
        '-Werror',
        '-o',
        'program-c',
        file('program.c', program),
      ]);
      expect(await policyOfClient(path.join(folder, 'program-c'), [], server)).toBe(inForce);
      expect(inForce).toBe(policy);
    }
  });

  it.skipIf(go === undefined)(
    'Go, as gofmt formats it',
    async () => {
      for (const policy of policies) {
        const { text, inForce } = exportPolicy(policy, 'go');
        const [imports, rest] = text.split(/(?<=^\)\n)/m) as [string, string];
        const code = `package main

${imports.replace('\t"net"', '\t"fmt"\n\t"net"')}${rest}
func main() {
	conn, err := net.Dial("tcp", "127.0.0.1:${server.port}")
	if err != nil {
		panic(err)
	}
	if err := setKeepAlive(conn.(*net.TCPConn)); err != nil {
		panic(err)
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
`;
        const block = { file: 'exported', line: 0, language: 'go', code, expects: [], exits: [], name: undefined };
        const program = await buildGo(block, go as string, goScratch);
        expect(await policyOfClient(program, [], server)).toBe(inForce);
        expect(inForce).toBe(policy);
      }
    },
    300_000,
  );

  it.skipIf(go === undefined)(
    'Go, in the forms before KeepAliveConfig, as importPolicy reads them',
    async () => {
      const dial = (keepAlive: string) => `\tdialer := net.Dialer{KeepAlive: ${keepAlive}}
\tconn, err := dialer.Dial("tcp", "127.0.0.1:${server.port}")
`;
      const period = '\tconn.(*net.TCPConn).SetKeepAlivePeriod(40 * time.Second)\n';
      for (const [before, after] of [
        [dial('30 * time.Second'), '\tdefer conn.Close()\n'],
        [dial('0'), period],
      ]) {
        const check = '\tif err != nil {\n\t\tpanic(err)\n\t}\n';
        const end = '\tfmt.Println("ready")\n\ttime.Sleep(time.Hour)\n}\n';
        const imports = 'import (\n\t"fmt"\n\t"net"\n\t"time"\n)\n';
        const code = `package main\n\n${imports}\nfunc main() {\n${before}${check}${after}${end}`;
        const block = { file: 'read', line: 0, language: 'go', code, expects: [], exits: [], name: undefined };
        const program = await buildGo(block, go as string, goScratch);
        const { policy } = importPolicy('go', after === period ? period : code);
        expect(await policyOfClient(program, [], server)).toBe(policy);
      }
    },
    300_000,
  );

  it.skipIf(lacksRust())(
    'Rust, with the crate socket2 of Debian',
    async () => {
      const dependency = '[dependencies]\nsocket2 = { version = "*", features = ["all"] }\n';
      mkdirSync(path.join(folder, 'rust/src'), { recursive: true });
      file('rust/Cargo.toml', `[package]\nname = "program"\nversion = "0.0.0"\nedition = "2021"\n\n${dependency}`);
      const source = `replace-with = "debian"\n\n[source.debian]\ndirectory = "${crates}"\n`;
      const configuration = file('rust/config.toml', `[source.crates-io]\n${source}`);
      const manifest = path.join(folder, 'rust/Cargo.toml');
      for (const policy of policies) {
        const { text, inForce } = exportPolicy(policy, 'rust');
        const main = `
fn main() -> std::io::Result<()> {
    let stream = std::net::TcpStream::connect(("127.0.0.1", ${server.port}))?;
    apply_keepalive(&stream)?;
    println!("ready");
    std::thread::sleep(Duration::from_secs(3600));
    Ok(())
}
`;
        file('rust/src/main.rs', text + main);
        succeed('cargo', ['--config', configuration, 'build', '--quiet', '--offline', '--manifest-path', manifest]);
        const program = path.join(folder, 'rust/target/debug/program');
        expect(await policyOfClient(program, [], server)).toBe(inForce);
        expect(inForce).toBe(policy);
      }
    },
    300_000,
  );

  it.skipIf(lacks('javac', ['-version'], 'default-jdk-headless'))('Java, without a user timeout', async () => {
    for (const policy of policies) {
      const { text, inForce } = exportPolicy(policy, 'java');
      const main = `
class Program {
    public static void main(String[] args) throws Exception {
        Socket socket = new Socket("127.0.0.1", ${server.port});
        KeepAlive.set(socket);
        System.out.println("ready");
        System.in.read();
    }
}
`;
      succeed('javac', ['-Xlint:all', '-Werror', '-d', '.', file('Program.java', text + main)]);
      expect(await policyOfClient('java', ['-cp', folder, 'Program'], server)).toBe(inForce);
      expect(inForce).toBe(policy.split(':').slice(0, 3).join(':'));
    }
  });

  it.skipIf(lacks('curl', ['--version'], 'curl'))('curl, whose count is the one of the kernel before 8.9', async () => {
    const version = spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout;
    const [, major = 0, minor = 0] = (/^curl (\d+)\.(\d+)/.exec(version) ?? []).map(Number);
    const hasCount = major > 8 || (major === 8 && minor >= 9);
    for (const policy of ['30:30:3', '31:31:127']) {
      const { text, inForce } = exportPolicy(policy, 'curl');
      const config = file('curlrc', hasCount ? text : text.replace(/^keepalive-cnt = .*\n/m, ''));
      const args = ['--no-progress-meter', '--verbose', '--config', config, `http://127.0.0.1:${server.port}/`];
      const expected = hasCount ? inForce : `${policy.split(':').slice(0, 2).join(':')}:${kernelDefaults().count}`;
      expect(await policyOfClient('curl', args, { port: server.port, says: '> GET' })).toBe(expected);
      expect(inForce).toBe(policy);
    }
    const args = ['--config', file('curlrc', exportPolicy('off', 'curl').text), '--verbose'];
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await policyOfClient('curl', [...args, url], { port: server.port, says: '> GET' })).toBe('off');
  });
});
