import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { KeepAliveState } from '../../src/index.js';

const policyState: KeepAliveState = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };

/** Why strace cannot be used here, or `undefined` if it can. */
function whyNoStrace(): string | undefined {
  try {
    execFileSync('strace', ['-o', '/dev/null', process.execPath, '-e', '0'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error);
  }
}

const reason = whyNoStrace();
if (reason !== undefined) {
  const message = `system calls per accepted connection cannot be counted: strace does not work here (${reason})`;
  if (process.env['CI']) throw new Error(message);
  console.warn(message);
}

/**
 * A server that accepts as many connections as its argument says, marks the end of that for strace, and only then
 * prints the state of each.
 */
const program = (createServer: string) => `
  import net from 'node:net';
  import { writeSync } from 'node:fs';
  import { applyToProcess, getKeepAlive, setKeepAlive } from './src/index.ts';
  const wanted = Number(process.argv[1]);
  const accepted = [];
  const onConnection = (socket) => {
    socket.on('error', () => {});
    if (accepted.push(socket) < wanted) return;
    writeSync(2, 'all accepted');
    console.log(JSON.stringify(accepted.map((socket) => getKeepAlive(socket))));
    for (const socket of accepted) socket.destroy();
    server.close();
  };
  const server = ${createServer};
  server.listen(0, '127.0.0.1', () => {
    writeSync(2, 'listening');
    console.log(server.address().port);
  });
`;

interface Observed {
  readonly states: readonly KeepAliveState[];
  /** Calls of each from when the server listens until the last connection is accepted. */
  readonly setsockopt: number;
  readonly getsockopt: number;
}

function countCalls(log: string, call: string): number {
  const [start, end] = [log.indexOf('"listening"'), log.indexOf('"all accepted"')];
  if (start < 0 || end < start) throw new Error(`the log of strace lacks a mark:\n${log}`);
  return log.slice(start, end).split(`${call}(`).length - 1;
}

/** Connects so many times, one after another, so that the server goes through its whole loop for each. */
async function connectTo(port: number, connections: number): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  for (let i = 0; i < connections; i += 1) {
    const socket = net.connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
  }
  return sockets;
}

async function observe(createServer: string, connections: number): Promise<Observed> {
  const directory = mkdtempSync(path.join(tmpdir(), 'listener-system-calls-'));
  const log = path.join(directory, 'log');
  const node = ['--import', 'tsx', '--input-type=module', '-e', program(createServer), String(connections)];
  const strace = ['-f', '-e', 'trace=setsockopt,getsockopt,write', '-o', log, process.execPath, ...node];
  const child = spawn('strace', strace, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    const port = Number((await lines.next()).value);
    const sockets = await connectTo(port, connections);
    const states = JSON.parse((await lines.next()).value ?? 'null') as KeepAliveState[];
    for (const socket of sockets) socket.destroy();
    expect(await exited).toEqual([0, null]);
    const text = readFileSync(log, 'utf8');
    return { states, setsockopt: countCalls(text, 'setsockopt'), getsockopt: countCalls(text, 'getsockopt') };
  } finally {
    child.kill();
    rmSync(directory, { recursive: true });
  }
}

describe.skipIf(reason !== undefined).concurrent('system calls of a server per accepted connection', () => {
  it('makes none for keepalive under a listener policy, and every connection has the policy', async () => {
    const server = "net.createServer(onConnection); setKeepAlive(server, '30:5:3')";
    const [few, many] = await Promise.all([observe(server, 20), observe(server, 60)]);
    expect(few.states).toEqual(Array(20).fill(policyState));
    expect(many.states).toEqual(Array(60).fill(policyState));
    expect({ set: many.setsockopt, get: many.getsockopt }).toEqual({ set: few.setsockopt, get: few.getsockopt });
  });

  it('makes none under a policy of the process either', async () => {
    const server = "(applyToProcess('30:5:3'), net.createServer(onConnection))";
    const [few, many] = await Promise.all([observe(server, 20), observe(server, 60)]);
    expect(many.states).toEqual(Array(60).fill(policyState));
    expect({ set: many.setsockopt, get: many.getsockopt }).toEqual({ set: few.setsockopt, get: few.getsockopt });
  });

  it('makes some for each when the policy has to be set on accept, so that the count above can grow', async () => {
    const server = "net.createServer({ keepAlive: true }, onConnection); setKeepAlive(server, '30:5:3')";
    const [few, many] = await Promise.all([observe(server, 20), observe(server, 60)]);
    expect(many.states).toEqual(Array(60).fill(policyState));
    expect(many.setsockopt - few.setsockopt).toBeGreaterThanOrEqual(40 * 4);
    expect(many.getsockopt - few.getsockopt).toBeGreaterThanOrEqual(40 * 5);
  });
});
