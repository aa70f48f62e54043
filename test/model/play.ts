import { setTimeout as sleep } from 'node:timers/promises';
import { setKeepAlive } from '../../src/index.js';
import type { ConnectionEvent } from '../../src/policy/model/scenario.js';
import { type CrashedPeer, crashPeer, type LoopbackPair } from '../../src/testing/index.js';
import { fdOf, setOption } from '../kernel/descriptor.js';
import { endOf, infoOf, lastSignOfLife, moment, runningMs } from '../kernel/observation.js';
import { connectedPair, rebootPeer } from '../peers.js';
import { type Pair, predict, settingsOf } from './pairs.js';

/** How a pair was played, in milliseconds since the peer was heard at the beginning. */
export interface Played {
  readonly verdict: 'alive' | 'dead';
  readonly error?: string;
  /** When the connection was seen to have ended, or when it was looked at last. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The events at the moments at which they were played, each write of a heartbeat included. */
  readonly events: readonly ConnectionEvent[];
  /** How late the events can have been besides. */
  readonly unsureMs: number;
  /** How long the machine did not run this process. */
  readonly stalledMs: number;
}

/** SO_RCVBUF: so that a window is soon full. */
const receiveBuffer = { level: 1, option: 8, bytes: 65_536 };
/** Fills the window many times. */
const flood = Buffer.alloc(1 << 20);
/** How long after the predicted end a connection is still waited for. */
const patienceMs = 3000;

/** Plays the events of one pair on a connection. */
class Stage {
  readonly #pair: LoopbackPair;
  #crashed: CrashedPeer | undefined;

  constructor(pair: LoopbackPair) {
    this.#pair = pair;
  }

  async play(what: ConnectionEvent['what']): Promise<void> {
    const { client, server } = this.#pair;
    switch (what) {
      case 'write':
        server.write('.');
        return;
      case 'vanish':
        this.#crashed = crashPeer(client);
        return;
      case 'return':
        this.#crashed?.revive();
        return;
      case 'reboot':
        await rebootPeer(client, server);
        return;
      case 'stop-reading':
        client.pause();
        server.write(flood);
        await moment(() => infoOf(server).unacked === 0, 'the window is full');
        return;
      case 'resume-reading':
        client.resume();
    }
  }
}

/** All events of a pair in time, with the writes of its heartbeat. */
function eventsOf({ scenario: { events, everyMs } }: Pair, untilMs: number): ConnectionEvent[] {
  const beats = everyMs === undefined ? 0 : Math.floor(untilMs / everyMs);
  const writes = Array.from({ length: beats }, (_, index) => ({
    what: 'write' as const,
    atMs: (index + 1) * (everyMs as number),
  }));
  return [...writes, ...events].sort((a, b) => a.atMs - b.atMs);
}

/** Plays a pair on two real sockets. The model is asked only how long to wait. */
export async function play(pair: Pair): Promise<Played> {
  using ends = await connectedPair('IPv4');
  const { client, server } = ends;
  setOption(fdOf(client), receiveBuffer.level, receiveBuffer.option, receiveBuffer.bytes);
  let isOver = false;
  const end = endOf(server).finally(() => {
    isOver = true;
  });
  client.resume();
  setKeepAlive(server, settingsOf(pair));
  const heard = await lastSignOfLife(client, server);
  const since = (at: number) => at - heard.notBefore;

  const { untilMs = predict(pair).death.latestMs + patienceMs } = pair.scenario;
  const stage = new Stage(ends);
  const played: ConnectionEvent[] = [];
  let unsureMs = heard.notAfter - heard.notBefore;
  for (const { what, atMs } of eventsOf(pair, untilMs)) {
    while (!isOver && since(performance.now()) < atMs)
      await Promise.race([sleep(atMs - since(performance.now())), end]);
    if (isOver) break;
    const from = performance.now();
    await stage.play(what);
    played.push({ what, atMs: since(from) });
    unsureMs = Math.max(unsureMs, performance.now() - from);
  }
  await Promise.race([sleep(Math.max(0, untilMs - since(performance.now()))), end]);

  const now = performance.now();
  const stalledMs = now - heard.notBefore - runningMs(heard.notBefore, now);
  const common = { events: played, unsureMs, stalledMs };
  if (!isOver) return { verdict: 'alive', notBeforeMs: since(now), notAfterMs: since(now), ...common };
  const { at, code } = await end;
  const error = code === undefined ? {} : { error: code };
  return { verdict: 'dead', ...error, notBeforeMs: since(at.notBefore), notAfterMs: since(at.notAfter), ...common };
}
