export { SystemCallError, UnsupportedError } from './native/errors.js';
export type { DeathReason, EndReason } from './peer/end-reason.js';
export { ConfigurationError } from './policy/configuration-error.js';
export { DialectError } from './policy/dialects/dialect-error.js';
export { dialectNames } from './policy/dialects/dialects.js';
export { type ExportedPolicy, exportPolicy } from './policy/dialects/export-policy.js';
export { type ImportedPolicy, importPolicy } from './policy/dialects/import-policy.js';
export { PolicyError, type PolicyField } from './policy/errors.js';
export { formatPolicy } from './policy/format.js';
export { KeepAliveError } from './policy/keep-alive-error.js';
export { type DetectionConditions, type DetectionScenario, detectionTime } from './policy/model/detection-time.js';
export type { TimeRange } from './policy/model/time-range.js';
export { parsePolicy } from './policy/parse.js';
export type { PathVerdict, Trial, TrialOutcome } from './policy/path/path-verdict.js';
export {
  type BehindJudgement,
  type BehindOutcome,
  judgeBehind,
  recommendedIdle,
} from './policy/plan/judge-behind.js';
export type { Expiry, Middlebox, SettableTimeout, Sureness } from './policy/plan/middlebox.js';
export { middleboxes, middleboxOf } from './policy/plan/middleboxes.js';
export { planPolicy } from './policy/plan/plan-policy.js';
export type { Plan, Proposal } from './policy/plan/proposal.js';
export type { Requirement, Requirements } from './policy/plan/requirements.js';
export type { CompletePolicy, Duration, KeepAlivePolicy, PolicyInput } from './policy/policy.js';
export type { AppliedEvent } from './process/apply/applied-event.js';
export { applyToProcess, type ProcessOptions, type ProcessPolicy } from './process/apply/apply-to-process.js';
export type { ProcessMode } from './process/apply/requested-keep-alive.js';
export type { ConnectionRole, PolicyRule } from './process/apply/rules.js';
export type { OverruledCaller, ProcessStatus } from './process/apply/statistics.js';
export { DeadPeerError } from './process/watch/ending/dead-peer-error.js';
export { type EndExplanation, explainDeath } from './process/watch/ending/explain-death.js';
export type { DeathCounts, WatchStatus } from './process/watch/ending/watch-status.js';
export type { PeerEventIterator } from './process/watch/event-iterator.js';
export type {
  ClosedPeerEvent,
  DeadPeerEvent,
  LivePeerEvent,
  NextTransmission,
  PeerEvent,
  PeerEventName,
  PeerWatchEvents,
} from './process/watch/events.js';
export type { PeerWatch } from './process/watch/peer-watch.js';
export { type PeerWatchOptions, watchPeers } from './process/watch/watch-peers.js';
export { getKeepAlive, setKeepAlive } from './socket/keep-alive.js';
export { type KernelDefaults, kernelDefaults, type RootOption } from './socket/kernel-defaults.js';
export { measurePath } from './socket/path/measure-path.js';
export type { PathTarget } from './socket/path/open-connection.js';
export type { PathMeasurement, PathOptions, PathProgress } from './socket/path/path-options.js';
export type { AskingEnd } from './socket/path/resting-connection.js';
export {
  type AskedPeer,
  type PeerProbe,
  type PeerProbeOptions,
  probePeer,
  type UnaskedPeer,
} from './socket/probe/probe-peer.js';
export type { DeferredOptions, KeepAliveState, ServerKeepAlive, SocketKeepAlive } from './socket/state.js';
export type { KeepAliveTarget, SocketHolder } from './socket/target.js';
export type { Endpoint } from './wire/endpoint.js';
