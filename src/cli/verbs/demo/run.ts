import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemCallError } from '../../../native/errors.js';
import type { CompletePolicy } from '../../../policy/policy.js';
import { setKeepAlive } from '../../../socket/keep-alive.js';
import { isAsPredicted, Play, toleranceMs } from './play.js';
import type { Connection, DemoReport } from './scenario.js';
import { demoDurationMs, scenarios } from './scenarios.js';
import type { TimelineEvent } from './timeline.js';

const pollMs = 20;

/** Someone who is shown the demo while it runs. */
export interface Spectator {
  /** Something happened on one connection. */
  event?(play: Play, event: TimelineEvent): void;
  /** Time has passed. */
  tick?(plays: readonly Play[]): void;
}

/** A connection on the loopback device is accepted within microseconds. */
const acceptedWithinMs = 5000;

async function connect(listener: net.Server): Promise<Connection> {
  const { port, address: host } = listener.address() as net.AddressInfo;
  const client = net.connect({ port, host });
  // Both ends must read, or neither would learn of the other's FIN.
  client.resume();
  const given = new AbortController();
  const giveUp = () => given.abort();
  client.once('close', giveUp);
  const timer = setTimeout(giveUp, acceptedWithinMs);
  try {
    const { signal } = given;
    const [[server]] = (await Promise.all([
      once(listener, 'connection', { signal }),
      once(client, 'connect', { signal }),
    ])) as [[net.Socket], unknown];
    client.on('error', () => {});
    server.resume();
    return { client, server };
  } catch (error) {
    client.on('error', () => {}).destroy();
    if (!given.signal.aborted) throw error;
    // Without a descriptor for it, libuv closes what it accepts at once (src/unix/stream.c, `uv__emfile_trick`).
    throw new SystemCallError(
      'accept',
      'EMFILE',
      'a connection was not accepted: raise the limit of open files (ulimit -n)',
    );
  } finally {
    clearTimeout(timer);
    client.off('close', giveUp);
  }
}

async function watch(plays: readonly Play[], durationMs: number, spectator: Spectator, signal: AbortSignal) {
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt && !signal.aborted) {
    for (const play of plays) play.observe();
    spectator.tick?.(plays);
    await sleep(pollMs, undefined, { signal }).catch(() => {});
  }
  signal.throwIfAborted();
}

/**
 * Plays every scenario side by side on real connections of one server whose listener has the policy.
 *
 * @throws the signal's reason when it is aborted; everything is closed by then.
 */
export async function runDemo(policy: CompletePolicy, spectator: Spectator, signal: AbortSignal): Promise<DemoReport> {
  const listener = net.createServer();
  const plays: Play[] = [];
  try {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    setKeepAlive(listener, policy);
    for (const scenario of scenarios) {
      plays.push(new Play(scenario, await connect(listener), policy, (play, event) => spectator.event?.(play, event)));
    }
    for (const play of plays) play.start();
    await watch(plays, demoDurationMs(policy, toleranceMs), spectator, signal);
    const results = plays.map((play) => ({ play, result: play.finish() }));
    spectator.tick?.(plays);
    const ok = results.every(({ play, result }) => isAsPredicted(play.scenario, result));
    return { policy, scenarios: results.map(({ result }) => result), ok };
  } finally {
    for (const play of plays) play.close();
    listener.close();
  }
}
