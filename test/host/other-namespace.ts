import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** What runs there: a pair of connections and a listener, until its input ends, as it does when the test is killed. */
const program = `
const net = require('node:net');
const server = net.createServer((socket) => { socket.on('error', () => {}); socket.setKeepAlive(true, 8000); });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const client = net.connect(port, '127.0.0.1', () => console.log(JSON.stringify([port, client.localPort])));
  client.on('error', () => {});
});
process.stdin.on('end', () => process.exit()).resume();
`;

export interface OtherNamespace {
  /** A process in it. */
  readonly pid: number;
  readonly path: string;
  readonly serverPort: number;
  readonly clientPort: number;
  /** Ends the process, and with it the namespace. */
  end(): Promise<void>;
}

/** Makes a network namespace with connections in it, which lasts as long as the test. Needs root. */
export async function otherNamespace(): Promise<OtherNamespace> {
  const script = 'ip link set lo up && exec "$@"';
  const child = spawn('unshare', ['--net', 'sh', '-c', script, 'sh', process.execPath, '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin.end();
    await once(child, 'exit');
  };
  onTestFinished(end);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [serverPort, clientPort] = JSON.parse(line) as [number, number];
  const pid = child.pid as number;
  return { pid, path: `/proc/${pid}/ns/net`, serverPort, clientPort, end };
}
