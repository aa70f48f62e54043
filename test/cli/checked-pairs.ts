import type net from 'node:net';
import { type KeepAliveState, setKeepAlive } from '../../src/index.js';
import { crashPeer, type LoopbackPair, loopbackPair } from '../../src/testing/index.js';
import { infoOf, moment } from '../kernel/observation.js';
import { runCli } from './run-cli.js';

/** A policy with which a peer can be asked with and without privileges. */
export const usual = '30:5:9';

/** What a socket with the {@link usual} policy has. */
export const untouched: KeepAliveState = { enabled: true, idle: 30_000, interval: 5000, count: 9, userTimeout: 0 };

/** The filters that mean this end of a connection and no other. */
export const end = (socket: net.Socket) => ['--port', `local:${socket.localPort}`, '--pid', `${process.pid}`];

/** How long a program may take to start where many do at once. */
export const slowMs = 60_000;

/** Waits until a check has to ask: a peer heard within the last second is there. */
export const quiet = (socket: net.Socket, ms = 1000) =>
  moment(() => {
    const { lastAckReceivedMs, lastDataReceivedMs } = infoOf(socket);
    return Math.min(lastAckReceivedMs, lastDataReceivedMs) >= ms;
  }, `${ms} ms of quiet`);

/** Runs `tcp-keepalive check --json`. */
export async function check(...args: string[]) {
  const { code, stdout, stderr } = await runCli('check', '--json', ...args);
  return { code, stderr, ...(stdout === '' ? { peers: [] } : JSON.parse(stdout)) };
}

/** A pair whose server, the end under test, has a policy. */
export async function pairWith(policy: string = usual): Promise<LoopbackPair> {
  const pair = await loopbackPair();
  setKeepAlive(pair.server, policy);
  return pair;
}

/** A pair of which the client has crashed and the server, the end under test, has been quiet long enough. */
export async function crashedPair(policy: string = usual): Promise<LoopbackPair> {
  const pair = await pairWith(policy);
  crashPeer(pair.client);
  await quiet(pair.server);
  return pair;
}
