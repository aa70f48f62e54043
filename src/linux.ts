export { type ChangeRecord, RecordError, type RecordedChange, readRecord, recordOf } from './host/change/record.js';
export {
  type Change,
  type Changes,
  type FailedChange,
  type SetOptions,
  type SetQuery,
  type SetResult,
  setConnections,
} from './host/change/set.js';
export { type UndoOptions, type UndoResult, undoChanges } from './host/change/undo.js';
export { type CheckedPeer, type CheckOptions, type CheckResult, checkPeers } from './host/check/check.js';
export type { Answer, PeerAnswer, Question } from './host/check/check-prober.js';
export { type ReapedPeer, type ReapOptions, reapPeers } from './host/check/reap.js';
export {
  type DestroyOptions,
  type DestroyResult,
  type DestroyTarget,
  destroyConnections,
} from './host/dump/destroy.js';
export {
  allStates,
  type Dump,
  type DumpQuery,
  dumpConnections,
  liveStates,
} from './host/dump/dump.js';
export type { HostConnection, Omission, TimerKind } from './host/list/connection.js';
export type { Exposure } from './host/list/exposure.js';
export { listConnections } from './host/list/list.js';
export type { ListQuery } from './host/list/list-query.js';
export type { Listing } from './host/list/listing.js';
export { isAnswered, type NotJudged } from './host/list/not-judged.js';
export {
  type ConnectionJson,
  type ConnectionRow,
  dependsOnKeepAlive,
  isOrphan,
  type KeepAliveByTimer,
  lastHeardMs,
  toJson as connectionToJson,
} from './host/list/row.js';
export {
  type NetworkNamespace,
  type NetworkNamespaces,
  networkNamespaces,
} from './host/namespaces/network-namespaces.js';
export type { SocketOwner } from './host/owners/owners.js';
export type { HostProcess } from './host/owners/processes.js';
export {
  type NetnsLookup,
  parseSelection,
  type Selection,
  type SelectionText,
} from './host/selection/selection.js';
export { SelectionError, type SelectionFilter } from './host/selection/selection-error.js';
export type { DefaultsChange } from './host/sysctl/change.js';
export { FileError, type FileRefusal } from './host/sysctl/file-error.js';
export { type KernelDefaultsReport, kernelDefaultsReport, type NamespaceDefaults } from './host/sysctl/report.js';
export { type SetKernelDefaultsOptions, setKernelDefaults } from './host/sysctl/set-defaults.js';
export { type SysctlSource, type SysctlSources, sysctlSources } from './host/sysctl/sources.js';
export { type UndoKernelDefaultsOptions, undoKernelDefaults } from './host/sysctl/undo-defaults.js';
export { SystemCallError, UnsupportedError } from './native/errors.js';
export { NamespaceReturnError } from './native/network-namespace.js';
export { ConfigurationError } from './policy/configuration-error.js';
export { PolicyError, type PolicyField } from './policy/errors.js';
export { KeepAliveError } from './policy/keep-alive-error.js';
export type { PortRange } from './policy/match/port-range.js';
export {
  type Detection,
  defaultWithinMs,
  type Transfer,
  type Verdict,
  verdictOf,
} from './policy/model/verdict.js';
export type { Expiry, Middlebox, SettableTimeout, Sureness } from './policy/plan/middlebox.js';
export { middleboxOf } from './policy/plan/middleboxes.js';
export type { KeepAlivePolicy, PolicyInput } from './policy/policy.js';
export type { KeepAliveState } from './policy/settings.js';
export { type KernelDefaults, kernelDefaults, type RootOption } from './socket/kernel-defaults.js';
export type { ProbeOptions } from './socket/probe/probe-options.js';
export type { Endpoint } from './wire/endpoint.js';
export type { DiagFilter } from './wire/inet-diag/filter.js';
export { type AddressPrefix, parseAddressPrefix } from './wire/ip-address.js';
export type { TcpInfo } from './wire/tcp-info/decode.js';
export type { CongestionState } from './wire/tcp-info/fields.js';
export type { TcpState } from './wire/tcp-info/state.js';
