import type net from 'node:net';
import type { DeathReason } from './death.js';

export type PeerEventName = 'suspect' | 'recovered' | 'stalled' | 'dead';

/** One end of a connection. */
export interface PeerAddress {
  readonly address: string;
  readonly port: number;
}

/** What the kernel will do next about a connection, if nothing happens. */
export interface NextStep {
  readonly what: 'probe' | 'retransmission' | 'window probe';
  /** At the earliest: kernel timers are late by up to 12.5 %. */
  readonly inMs: number;
}

/** What happened to a peer. */
export interface PeerEvent {
  readonly type: PeerEventName;
  readonly socket: net.Socket;
  /** `undefined` where the socket has lost its addresses already. */
  readonly local: PeerAddress | undefined;
  readonly remote: PeerAddress | undefined;
  /** Probes or retransmissions without an answer. */
  readonly unanswered: number;
  /** Since anything was received from the peer. */
  readonly silentMs: number;
  /** Since data went either way. */
  readonly idleMs: number;
  readonly rttMs: number;
  /** Bytes that the program has written and the peer has not acknowledged. */
  readonly unacknowledgedBytes: number;
  /** Whether the peer's kernel takes nothing more, because its program does not read. */
  readonly zeroWindow: boolean;
  /** `undefined` where nothing will happen, and of a dead peer. */
  readonly next: NextStep | undefined;
}

/** A peer that is gone. */
export interface DeadPeerEvent extends PeerEvent {
  readonly type: 'dead';
  /** `undefined` where the error tells no story, such as one that the program destroyed the socket with. */
  readonly reason: DeathReason | undefined;
  /** The error that ended the connection, or that it would be destroyed with. */
  readonly error: Error | undefined;
  /** Whether the kernel, or the peer, ended the connection, or the watch's `deadAfter` did. */
  readonly decidedBy: 'kernel' | 'watch';
}

/** What a watch emits, by name. */
export interface PeerWatchEvents {
  suspect: [PeerEvent];
  recovered: [PeerEvent];
  stalled: [PeerEvent];
  dead: [DeadPeerEvent];
}
