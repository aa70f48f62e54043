import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type DeadPeerEvent, explainDeath, type PeerEventName, watchPeers } from '../../src/index.js';
import { type End, endOf, infoOf } from '../kernel/observation.js';
import { connectedPair } from '../peers.js';
import type { Cell } from './matrix.js';
import { type Connection, type Played, plays } from './plays.js';
import type { RoutedPair } from './routed-network.js';

/** What became of a connection. */
export interface Measured {
  readonly played: Played;
  /** `undefined` when it lives. */
  readonly end: End | undefined;
  readonly dead: readonly DeadPeerEvent[];
  /** What `explainDeath` says of the error that the program got. */
  readonly explained: string | undefined;
  /** The other events of the watch, in their order. */
  readonly story: readonly PeerEventName[];
  /** The same with times, counted from the start of the play, for whoever has to find out why. */
  readonly storyInDetail: string;
}

interface Scene extends Connection, Disposable {}

async function sceneOf(cell: Cell, routed: RoutedPair | undefined): Promise<Scene> {
  if (routed !== undefined) {
    const { client: survivor, server: peer } = routed;
    return { survivor, peer, route: routed, [Symbol.dispose]: () => routed.close() };
  }
  const pair = await connectedPair(cell.transport);
  return { survivor: pair.server, peer: pair.client, [Symbol.dispose]: () => pair.close() };
}

/** Watches the connection as the cell says; without `deadAfter` a watch only tells what it sees. */
function watchOf({ fault: { policy, limitMs }, guard }: Cell, { survivor }: Scene) {
  const sockets = [survivor];
  if (guard === 'deadAfter') return watchPeers({ sockets, policy, deadAfter: limitMs, destroy: true });
  return watchPeers({ sockets, policy: guard === 'keepalive' ? policy : `${policy}:${limitMs}ms` });
}

/** Shows that a connection works: what is written arrives, and what was written before has arrived. */
async function converse({ survivor, peer }: Scene): Promise<void> {
  const question = 'still there?';
  let received = '';
  const answered = once(survivor, 'data', { signal: AbortSignal.timeout(20_000) });
  peer.on('data', (data: Buffer) => {
    received = (received + data.toString('latin1')).slice(-question.length);
    if (received === question) peer.write('yes');
  });
  survivor.write(question);
  await answered;
}

/** Plays a cell, with a connection that crosses a router or one of its own. */
export async function playCell(cell: Cell, routed?: RoutedPair): Promise<Measured> {
  using scene = await sceneOf(cell, routed);
  const { survivor, peer } = scene;
  const dead: DeadPeerEvent[] = [];
  const story: PeerEventName[] = [];
  const details: string[] = [];
  const startedAt = performance.now();
  const ended = endOf(survivor);
  peer.resume();
  using watch = watchOf(cell, scene);
  for (const name of ['suspect', 'recovered', 'stalled'] as const) {
    watch.on(name as 'suspect', (event) => {
      story.push(name);
      const atMs = Math.round(performance.now() - startedAt);
      details.push(`${name} at ${atMs} ms, ${event.unanswered} unanswered, silent for ${event.silentMs} ms`);
    });
  }
  watch.on('dead', (event) => dead.push(event));
  const played = await plays[cell.fault.name](scene);
  const end = await observe(cell, ended, played);
  if (end === undefined && infoOf(survivor).state !== 'ESTABLISHED') throw new Error('it has ended unnoticed');
  const seen = {
    played,
    end,
    dead: [...dead],
    story: [...story],
    storyInDetail: details.join('; '),
  };
  played.end?.();
  if (end === undefined && cell.fault.isPeerThere) await converse(scene);
  return { ...seen, explained: end && explainDeath(survivor.errored, survivor).reason };
}

/** Waits for the end, for longer than expected where it is expected to come. */
async function observe({ fault, expected }: Cell, ended: Promise<End>, { since, rtoMs }: Played) {
  const latestMs = expected.within?.(rtoMs).latestMs ?? 0;
  const forMs = Math.max(fault.observedMs, latestMs + 3000) - (performance.now() - since.notAfter);
  using _timer = timer();
  return await Promise.race([ended, _timer.after(forMs)]);
}

/** A delay that ends with its scope. */
function timer() {
  const controller = new AbortController();
  return {
    after: (ms: number) => delay(ms, undefined, { signal: controller.signal }).catch(() => undefined),
    [Symbol.dispose]: () => controller.abort(),
  };
}
