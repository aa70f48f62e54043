import type { QuietSettings } from './quiet-death.js';

/** What keepalive sends on quiet connections, both ways, in IP packets. */
export interface Traffic {
  /** Packets a day and connection: each probe is answered. */
  readonly packetsPerDay: number;
  /** Bytes a day and connection, in IPv4 packets without data, with timestamps. */
  readonly bytesPerDay: number;
  /** Packets a second, of all connections. */
  readonly packetsPerSecond: number;
}

export const dayMs = 86_400_000;

/** An IPv4 header of 20 bytes, a TCP header of 20, and the timestamps option with its padding, 12 (RFC 7323). */
const packetBytes = 52;

/** Computes the traffic of connections that are quiet: a probe and an answer each idle time. */
export function quietTraffic({ idle, interval }: QuietSettings, connections: number): Traffic {
  // Answered or not, a probe is followed by the interval at the least (tcp_keepalive_timer()).
  const packetsPerDay = (2 * dayMs) / Math.max(idle, interval);
  return {
    packetsPerDay,
    bytesPerDay: packetsPerDay * packetBytes,
    packetsPerSecond: (packetsPerDay * connections * 1000) / dayMs,
  };
}
