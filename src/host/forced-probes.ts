import { setTimeout as sleep } from 'node:timers/promises';
import { probeLeavesMs, probing } from '../socket/forced-probe.js';
import type { KeepAliveState } from '../socket/index.js';
import type { OptionChange, OptionSource, SocketReference } from './options/source.js';

/** A connection that can be made to probe. */
export interface Probed {
  readonly reference: SocketReference;
  /** The options that it has, and gets back. */
  readonly before: KeepAliveState;
}

/** Has kernels' keepalive timers send probes now, and puts the options back that this takes. */
export class ForcedProbes<Peer extends Probed> {
  readonly #options: OptionSource;
  readonly #changed = new Set<Peer>();
  /** Connections whose options could not be put back, and why; most often because they have ended. */
  readonly lost = new Map<Peer, string>();

  constructor(options: OptionSource) {
    this.#options = options;
  }

  /**
   * Forces one probe of each and gives those that could not be forced, and why. The options of those that are to be
   * held stay changed until {@link putBack}.
   */
  async force(peers: readonly Peer[], isHeld: (peer: Peer) => boolean): Promise<Map<Peer, string>> {
    if (peers.length === 0) return new Map();
    // Changed until known otherwise: also where the call throws half-way.
    for (const peer of peers) this.#changed.add(peer);
    const failures = this.#write(peers, () => probing);
    for (const peer of failures.keys()) this.#changed.delete(peer);
    await sleep(probeLeavesMs);
    this.putBack((peer) => !isHeld(peer));
    return failures;
  }

  /** Puts back what was changed: everything unless stated. */
  putBack(isDue: (peer: Peer) => boolean = () => true): void {
    const due = [...this.#changed].filter(isDue);
    if (due.length === 0) return;
    for (const [peer, why] of this.#write(due, ({ before }) => before)) this.lost.set(peer, why);
    for (const peer of due) this.#changed.delete(peer);
  }

  #write(peers: readonly Peer[], wantedOf: (peer: Peer) => KeepAliveState): Map<Peer, string> {
    const changes = peers.map(
      (peer): OptionChange => ({ socket: peer.reference, wanted: wantedOf(peer), rearms: true }),
    );
    const failures = new Map<Peer, string>();
    this.#options.write(changes).forEach(({ error }, index) => {
      if (error !== undefined) failures.set(peers[index] as Peer, error);
    });
    return failures;
  }
}
