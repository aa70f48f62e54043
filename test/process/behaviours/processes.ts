import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  fork,
  type StdioOptions,
  spawn,
} from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { firstOutput } from '../../first-output.js';
import { atEnd, type Behaviours, closed, here, listening, opening, pair, portOf, textOf } from './observing.js';

const program = (name: string) => fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));

/** Like this process, but without what only TypeScript needs. */
const execArgv = process.execArgv.filter((value, index, all) => value !== 'tsx' && all[index + 1] !== 'tsx');

/** Has a program ended when the behaviour is over. */
function starting<Child extends ChildProcess>(child: Child): Child {
  atEnd(() => child.kill('SIGKILL'));
  return child;
}

function start([name = '', ...args]: string[], stdio: StdioOptions): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...execArgv, program(name), ...args], { stdio });
  return starting(child as ChildProcessWithoutNullStreams);
}

/** What a program prints, and how it ends. */
async function run(name: string, ...args: string[]): Promise<unknown> {
  const child = start([name, ...args], ['ignore', 'pipe', 'pipe']);
  const [text, complaints, [code, signal]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ]);
  return { text: text.trim().split('\n').sort(), complaints: complaints.split('\n')[0], code, signal };
}

const forked = (name: string, ...args: string[]) => starting(fork(program(name), args, { execArgv, silent: true }));

async function socketSent(): Promise<unknown> {
  const child = forked('handed');
  const exit = once(child, 'exit');
  const server = await listening(net.createServer({ pauseOnConnect: true }));
  const client = opening(net.connect(portOf(server), here));
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  const isSent = child.send('socket', accepted, { keepOpen: false });
  client.end('to the child');
  const text = await textOf(client);
  const [code] = await exit;
  return { isSent, text, code };
}

async function serverSent(): Promise<unknown> {
  const child = forked('handed');
  const exit = once(child, 'exit');
  const server = await listening(net.createServer());
  child.send('server', server);
  await once(child, 'message');
  const port = portOf(server);
  server.close();
  const client = opening(net.connect(port, here));
  const text = await textOf(client);
  const [code] = await exit;
  return { text, code };
}

/** A listening descriptor, as systemd hands it to a program. */
async function descriptorListened(): Promise<unknown> {
  const server = await listening(net.createServer());
  const { _handle: handle } = server as unknown as { _handle: { fd: number } };
  const child = start(['descriptor'], ['ignore', 'pipe', 'inherit', handle.fd]);
  const exit = once(child, 'exit');
  const port = portOf(server);
  const ready = await firstOutput(child);
  server.close();
  const client = opening(net.connect(port, here));
  const text = await textOf(client);
  const [code] = await exit;
  return { ready: ready.trim(), text, code };
}

async function inThread(): Promise<unknown> {
  const worker = new Worker(program('thread'), { execArgv });
  const exit = once(worker, 'exit');
  const [port] = (await once(worker, 'message')) as [number];
  const client = opening(net.connect(port, here));
  client.setKeepAlive(true, 1000);
  client.end('to a thread');
  const text = await textOf(client);
  const [code] = await exit;
  return { text, code };
}

async function threadTerminated(): Promise<unknown> {
  const worker = new Worker(program('thread'), { execArgv });
  const [port] = (await once(worker, 'message')) as [number];
  const client = opening(net.connect(port, here)).on('error', () => {});
  await once(client, 'connect');
  const [code] = await Promise.all([worker.terminate(), closed(client.resume())]);
  return code;
}

export const processes: Behaviours = {
  'a program with a server that is unref’d exits': () => run('exits', 'server'),
  'a program with a socket that is unref’d exits': () => run('exits', 'socket'),
  'a program with nothing open exits': () => run('exits', 'nothing'),
  'a program that closes what it has opened exits': () => run('exits', 'closed'),
  'an error that nobody listens to ends the program': () => run('exits', 'error'),
  'a forked program that listens to no messages exits': async () => {
    const child = forked('exits', 'nothing');
    const [code] = await once(child, 'exit');
    return code;
  },
  'a forked program that is disconnected exits': async () => {
    const child = forked('handed');
    const exit = once(child, 'exit');
    child.disconnect();
    const [code] = await exit;
    return code;
  },
  'child.send of a socket': socketSent,
  'child.send of a server': serverSent,
  'listen on a descriptor': descriptorListened,
  'a server in a worker thread': inThread,
  'a worker thread that is terminated': threadTerminated,
  'cluster, connections in turn': () => run('cluster', 'rr'),
  'cluster, connections from the kernel': () => run('cluster', 'none'),
  'a socket around a descriptor': async () => {
    const [client, accepted] = await pair();
    const child = start(['descriptor', 'socket'], ['ignore', 'pipe', 'inherit', accepted]);
    const exit = once(child, 'exit');
    const [text, [code]] = await Promise.all([textOf(client), exit, once(accepted.destroy(), 'close')]);
    return { text, code };
  },
};
