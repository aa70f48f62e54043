/**
 * In a network namespace of its own: asks silent peers without privileges in another process, and sends that process a
 * signal at the moment at which their idle time reads 1 s. Prints what was seen of each signal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dumpConnections } from '../../src/host/dump/dump.js';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';

export interface Signalled {
  readonly signal: string;
  /** Idle times that were not the connections' own when the signal was sent, and afterwards. */
  readonly during: number;
  readonly after: number;
  readonly end: string | number | null;
}

const idle = 30_000;
const [signals = '', rounds = '1', ...asker] = process.argv.slice(2);
const pairs = await Promise.all(Array.from({ length: 60 }, () => loopbackPair()));
for (const { client, server } of pairs) {
  server.resume().on('error', () => {});
  client.on('error', () => {});
  setKeepAlive(server, '30:5:127');
}
const sockets = pairs.map(({ server }) => server);
const overridden = () => sockets.filter((socket) => getKeepAlive(socket).idle !== idle).length;
dumpConnections();

/** Has the peers answer what was asked before, so that probes may be sent again. */
async function restart(): Promise<void> {
  for (const { client } of pairs) client.write('.');
  await moment(() => sockets.every((socket) => infoOf(socket).probes === 0), 'answers');
  for (const { client } of pairs) crashPeer(client);
  await moment(() => sockets.every((socket) => infoOf(socket).lastDataReceivedMs >= 1100), 'quiet');
}

async function ended(child: ChildProcess): Promise<string | number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode ?? child.exitCode;
}

/** Asks once in another process, which gets the signal if an idle time is seen that is not the connection's own. */
async function signalled(signal: NodeJS.Signals): Promise<Signalled> {
  const crashed = pairs.map(({ client }) => crashPeer(client));
  for (const peer of crashed) peer.revive();
  await restart();
  const child = spawn(process.execPath, [...asker, '--pid', `${process.pid}`, '--timeout', '600ms'], {
    stdio: 'ignore',
  });
  const pid = child.pid as number;
  const deadline = performance.now() + 20_000;
  let during = 0;
  while (during === 0 && child.exitCode === null && performance.now() < deadline) {
    // Most of this loop does not let events in: an override lasts for some milliseconds.
    for (const end = performance.now() + 50; during === 0 && performance.now() < end; ) during = overridden();
    if (during > 0) process.kill(pid, signal);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  // Again and again: a busy machine may let the process stop only after it was told to go on.
  const goOn = signal === 'SIGSTOP' || signal === 'SIGTSTP' ? setInterval(() => child.kill('SIGCONT'), 150) : undefined;
  const end = await ended(child);
  clearInterval(goOn);
  return { signal, during, after: overridden(), end };
}

/** On a busy machine this process may not run while an idle time is overridden: there was no signal then, and it asks again. */
const mostAttempts = 5;

const results: Signalled[] = [];
for (const signal of signals.split(',') as NodeJS.Signals[]) {
  for (let round = 0; round < Number(rounds); round += 1) {
    let result = await signalled(signal);
    for (let attempt = 1; attempt < mostAttempts && result.during === 0; attempt += 1) result = await signalled(signal);
    results.push(result);
  }
}
console.log(JSON.stringify(results));
process.exit();
