export type { DeathReason } from '../peer/end-reason.js';
export { applyToProcess, type ProcessOptions, type ProcessPolicy } from './apply-to-process.js';
export type { AppliedEvent } from './governor.js';
export type { Mode } from './intent.js';
export type { Role, Rule } from './rules.js';
export type { OverruledCaller, ProcessStatus } from './statistics.js';
export { DeadPeerError } from './watch/ending/dead-peer-error.js';
export { type Death, explainDeath } from './watch/ending/explain-death.js';
export type {
  DeadPeerEvent,
  LivePeerEvent,
  NextStep,
  PeerAddress,
  PeerEvent,
  PeerEventName,
  PeerWatchEvents,
} from './watch/events.js';
export type { PeerWatch } from './watch/peer-watch.js';
export { type WatchOptions, watchPeers } from './watch/watch-peers.js';
