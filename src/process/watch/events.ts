import type net from 'node:net';
import type { DeathReason } from '../../peer/end-reason.js';
import type { Endpoint } from '../../wire/endpoint.js';

/** The names of a watch's events. */
export type PeerEventName = 'suspect' | 'recovered' | 'stalled' | 'closed' | 'dead';

/** What the kernel transmits next on a connection, if nothing happens before. */
export interface NextTransmission {
  readonly what: 'probe' | 'retransmission' | 'window-probe';
  /** The earliest time, in whole milliseconds from now: kernel timers are late by up to 12.5 %. */
  readonly inMs: number;
}

/** What every event says of the connection. */
interface Told {
  readonly socket: net.Socket;
  /** `undefined` where the runtime does not tell. */
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  /** Probes or retransmissions without an answer. */
  readonly unanswered: number;
}

/** What happened to a peer that may still be there. */
export interface LivePeerEvent extends Told {
  readonly type: 'suspect' | 'recovered' | 'stalled';
  /** Since anything was received from the peer. */
  readonly silentMs: number;
  /** Since data went either way. */
  readonly idleMs: number;
  readonly rttMs: number;
  /** Bytes that the program has written and the peer has not acknowledged. */
  readonly unacknowledgedBytes: number;
  /** Whether the peer's kernel takes nothing more, because its program does not read. */
  readonly zeroWindow: boolean;
  /** `undefined` where nothing will happen. */
  readonly next: NextTransmission | undefined;
}

/** The end of a connection. A field is `undefined` if the connection was not seen while something was unanswered. */
interface EndedPeerEvent extends Told {
  /** The error that ended the connection, or that it would be destroyed with. */
  readonly error: Error | undefined;
  /** Since anything was received from the peer, the end itself not counted. */
  readonly silentMs: number | undefined;
  /** Since data went either way. */
  readonly idleMs: number | undefined;
  readonly rttMs: number | undefined;
  /** When the connection was seen last. */
  readonly unacknowledgedBytes: number | undefined;
  /** When the connection was seen last. */
  readonly zeroWindow: boolean | undefined;
  readonly next: undefined;
}

/** A peer has closed the connection with FIN. */
export interface ClosedPeerEvent extends EndedPeerEvent {
  readonly type: 'closed';
}

/** A peer is lost: the kernel or the watch gave it up, its kernel answered with RST, or this machine aborted the connection. */
export interface DeadPeerEvent extends EndedPeerEvent {
  readonly type: 'dead';
  /** `undefined` if the error does not tell, such as an `ETIMEDOUT` before which the watch saw nothing unanswered. */
  readonly reason: DeathReason | undefined;
  /** Whether the kernel, or the peer, ended the connection, or the watch's own verdict did. */
  readonly decidedBy: 'kernel' | 'watch';
}

/** What a watch tells of a peer. */
export type PeerEvent = LivePeerEvent | ClosedPeerEvent | DeadPeerEvent;

/** What a watch emits, by name. */
export interface PeerWatchEvents {
  suspect: [LivePeerEvent];
  recovered: [LivePeerEvent];
  stalled: [LivePeerEvent];
  closed: [ClosedPeerEvent];
  dead: [DeadPeerEvent];
}
