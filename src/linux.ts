export { type CheckedPeer, type CheckResult, checkPeers } from './host/check.js';
export type { Endpoint, HostConnection, Incomplete, TimerKind } from './host/connection.js';
export { type DestroyResult, type DestroyTarget, destroyConnections } from './host/destroy.js';
export {
  allStates,
  type Dump,
  type DumpQuery,
  dumpConnections,
  liveStates,
  type OpenDiagnosisSocket,
} from './host/dump.js';
export type { Answer, Question } from './host/interview.js';
export { listConnections } from './host/list.js';
export type { Listing, ListQuery } from './host/listing.js';
export { type NetworkNamespace, type NetworkNamespaces, networkNamespaces } from './host/network-namespaces.js';
export { isAnswered, type NotJudged } from './host/not-judged.js';
export type { SocketOwner } from './host/owners.js';
export type { HostProcess } from './host/processes.js';
export { type ReapedPeer, type ReapOptions, reapPeers } from './host/reap.js';
export { type ChangeRecord, RecordError, type RecordedChange, readRecord, recordOf } from './host/record.js';
export {
  type ConnectionJson,
  type ConnectionRow,
  dependsOnKeepAlive,
  isOrphan,
  type KeepAliveByTimer,
  lastHeardMs,
  toJson as connectionToJson,
} from './host/row.js';
export {
  type NetnsLookup,
  parseSelection,
  type Selection,
  type SelectionText,
} from './host/selection.js';
export { SelectionError, type SelectionFilter } from './host/selection-error.js';
export { type Change, type Changes, type FailedChange, type SetResult, setConnections } from './host/set.js';
export {
  type DefaultsChange,
  FileError,
  type FileRefusal,
  type KernelDefaultsReport,
  kernelDefaultsReport,
  type NamespaceDefaults,
  type RootOption,
  readKernelDefaults,
  type SetKernelDefaultsOptions,
  type SysctlSource,
  type SysctlSources,
  setKernelDefaults,
  sysctlSources,
  type UndoKernelDefaultsOptions,
  undoKernelDefaults,
} from './host/sysctl/index.js';
export { type UndoResult, undoChanges } from './host/undo.js';
export { type DiagnosisSocket, NetlinkSocket, netlinkBufferLength } from './native/netlink-socket.js';
export { NamespaceReturnError } from './native/network-namespace.js';
export type { PortRange } from './policy/port-range.js';
export {
  type Detection,
  defaultWithinMs,
  type Transfer,
  type Verdict,
  type VerdictInput,
  verdictOf,
} from './policy/verdict.js';
export { type BtfMember, BtfTypes } from './wire/bpf/btf.js';
export { disassembleBpf } from './wire/bpf/disassembly.js';
export * as bpf from './wire/bpf/instructions.js';
export * as inetDiag from './wire/inet-diag.js';
export { type InetDiagAttributes, locateAttributes } from './wire/inet-diag-attributes.js';
export { type DiagFilter, encodeDiagFilter } from './wire/inet-diag-filter.js';
export {
  type AddressPrefix,
  formatIPv4,
  formatIPv6,
  isMappedAddress,
  isWithin,
  parseAddress,
  parseAddressPrefix,
} from './wire/ip-address.js';
export * as netlink from './wire/netlink.js';
export { decodeTcpInfo, decodeTcpInfoAt, type TcpInfo, tcpInfoLength } from './wire/tcp-info.js';
export type { CongestionState } from './wire/tcp-info-fields.js';
export { tcpInfoOffsets } from './wire/tcp-info-layout.js';
export { stateMask, type TcpState, tcpStateOf, tcpStates } from './wire/tcp-state.js';
