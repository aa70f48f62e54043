import type net from 'node:net';
import { unacknowledgedBytes } from '../../native/index.js';
import { descriptorOf, type KeepAliveState } from '../../socket/index.js';
import { carrierOf } from '../../socket/target.js';
import type { Condition } from './condition.js';
import type { NextStep, PeerAddress, PeerEvent } from './events.js';
import type { Sight } from './sight.js';

/** Both, or nothing. */
export function addressOf(address: string | undefined, port: number | undefined): PeerAddress | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}

function nextStep(
  sight: Sight,
  condition: Condition,
  { enabled, idle, interval }: KeepAliveState,
): NextStep | undefined {
  if (condition.isWindowClosed) return { what: 'window probe', inMs: Math.max(0, sight.rtoMs - sight.dataSentMs) };
  if (sight.unacked > 0) return { what: 'retransmission', inMs: Math.max(0, sight.rtoMs - sight.dataSentMs) };
  if (!enabled) return undefined;
  if (sight.probes === 0) return { what: 'probe', inMs: Math.max(0, idle - sight.silentMs) };
  const sinceProbe = Math.max(0, sight.silentMs - idle) % interval;
  return { what: 'probe', inMs: interval - sinceProbe };
}

/** What an event says of a connection; of one that has ended, as far as it is still known. */
export function describePeer(
  socket: net.Socket,
  sight: Sight | undefined,
  condition: Condition | undefined,
  options: KeepAliveState,
): Omit<PeerEvent, 'type'> {
  const fd = descriptorOf(carrierOf(socket));
  return {
    socket,
    local: addressOf(socket.localAddress, socket.localPort),
    remote: addressOf(socket.remoteAddress, socket.remotePort),
    unanswered: condition?.unanswered ?? 0,
    silentMs: sight?.silentMs ?? 0,
    idleMs: sight === undefined ? 0 : Math.min(sight.dataReceivedMs, sight.dataSentMs),
    rttMs: sight?.rttMs ?? 0,
    unacknowledgedBytes: sight === undefined || fd === undefined ? 0 : unacknowledgedBytes(fd),
    zeroWindow: condition?.isWindowClosed ?? false,
    next: sight && condition && nextStep(sight, condition, options),
  };
}
