import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { RawSocket } from '../../native/socket/raw-socket.js';
import { SegmentProber } from '../../socket/probe/segment-prober.js';
import { readSegmentStates, type SegmentStates } from '../../socket/probe/segment-states.js';
import { type NetworkNamespace, within } from '../namespaces/network-namespaces.js';

/**
 * Reads the sequence numbers of all open sockets. Returns undefined if this program may not ask peers from beside their
 * connections: that takes CAP_NET_RAW, CAP_BPF and CAP_PERFMON.
 */
export function permittedSegmentStates(): SegmentStates | undefined {
  try {
    RawSocket.open({ source: new Uint8Array(4), interfaceIndex: 0, mark: 0 })[Symbol.dispose]();
    return readSegmentStates();
  } catch (error) {
    if (error instanceof SystemCallError || error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** Opens a prober for connections of a network namespace; `undefined` stands for that of this process. */
export function segmentProberIn(states: SegmentStates, namespace: NetworkNamespace | undefined): SegmentProber {
  return new SegmentProber(states, (action) => within(namespace, action));
}
