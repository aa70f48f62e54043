import { readFileSync } from 'node:fs';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { RawSocket, type RawSocketRoute } from '../../native/socket/raw-socket.js';
import { parseAddress } from '../../wire/ip-address.js';
import { encodeTcpSegment } from '../../wire/tcp-segment.js';
import type { HostConnection } from '../list/connection.js';
import { type NetworkNamespace, within } from '../namespaces/network-namespaces.js';
import { readSegmentStates, type SegmentState, type SegmentStates } from './segment-states.js';

/** The hop limit if no sysctl can be read (RFC 1700). */
const usualHopLimit = 64;

function hopLimitOf(sysctl: string): number {
  try {
    const value = Number(readFileSync(`/proc/sys/net/${sysctl}`, 'utf8'));
    return value > 0 && value < 256 ? value : usualHopLimit;
  } catch {
    return usualHopLimit;
  }
}

/** The most raw sockets that are kept open at once. */
const mostSockets = 64;

/** Sends keepalive segments for connections of one network namespace. */
export class SegmentProber implements Disposable {
  readonly #states: SegmentStates;
  readonly #namespace: NetworkNamespace | undefined;
  readonly #sockets = new Map<string, RawSocket>();
  readonly #hopLimits: { readonly ipv4: number; readonly ipv6: number };

  /**
   * @param namespace Where the connections are; `undefined` stands for the namespace of this process.
   * @throws {SystemCallError} if the namespace can no longer be entered.
   */
  constructor(states: SegmentStates, namespace: NetworkNamespace | undefined) {
    this.#states = states;
    this.#namespace = namespace;
    this.#hopLimits = within(namespace, () => ({
      ipv4: hopLimitOf('ipv4/ip_default_ttl'),
      ipv6: hopLimitOf('ipv6/conf/default/hop_limit'),
    }));
  }

  /** Asks the peer of a connection. Returns whether a segment was sent. */
  ask(connection: HostConnection): boolean {
    const state = this.#states.get(connection.cookie);
    // The key of a signed connection (TCP-MD5, TCP-AO) is only in the kernel.
    if (state === undefined || state.isSigned) return false;
    try {
      this.#send(connection, state);
      return true;
    } catch (error) {
      if (error instanceof SystemCallError || error instanceof UnsupportedError) return false;
      throw error;
    }
  }

  #send({ local, remote, interfaceIndex }: HostConnection, state: SegmentState): void {
    const source = parseAddress(local.address) as Uint8Array;
    const destination = parseAddress(remote.address) as Uint8Array;
    const isIPv4 = source.length === 4;
    const trafficClass = isIPv4 ? state.typeOfService : state.trafficClass;
    const packet = encodeTcpSegment({
      source,
      destination,
      sourcePort: local.port,
      destinationPort: remote.port,
      sequence: state.sendUnacknowledged - 1,
      acknowledgment: state.receiveNext,
      window: state.window,
      timestamps: state.timestamps,
      hopLimit: isIPv4 ? (state.timeToLive ?? this.#hopLimits.ipv4) : (state.hopLimit ?? this.#hopLimits.ipv6),
      trafficClass,
    });
    this.#socketFor({ source, interfaceIndex, mark: state.mark, trafficClass }).send(packet, destination);
  }

  #socketFor(route: RawSocketRoute): RawSocket {
    const key = `${route.source} ${route.interfaceIndex} ${route.mark} ${route.trafficClass}`;
    const known = this.#sockets.get(key);
    if (known !== undefined) return known;
    if (this.#sockets.size >= mostSockets) this[Symbol.dispose]();
    const socket = within(this.#namespace, () => RawSocket.open(route));
    this.#sockets.set(key, socket);
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.values()) socket[Symbol.dispose]();
    this.#sockets.clear();
  }
}

/**
 * Reads the sequence numbers of all open sockets. Returns undefined if this program may not ask peers from beside their
 * connections: that takes CAP_NET_RAW, CAP_BPF and CAP_PERFMON.
 */
export function permittedSegmentStates(): SegmentStates | undefined {
  try {
    RawSocket.open({ source: new Uint8Array(4), interfaceIndex: 0, mark: 0, trafficClass: 0 })[Symbol.dispose]();
    return readSegmentStates();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
}
