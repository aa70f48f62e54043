export { SystemCallError, UnsupportedError } from './native/index.js';
export {
  type Conditions,
  type Duration,
  detectionTime,
  formatPolicy,
  type KeepAlivePolicy,
  type ParsedPolicy,
  PolicyError,
  type PolicyField,
  type PolicyInput,
  parsePolicy,
  type Scenario,
  type TimeRange,
} from './policy/index.js';
export {
  type AppliedEvent,
  applyToProcess,
  ConfigurationError,
  type Mode,
  type OverruledCaller,
  type ProcessOptions,
  type ProcessPolicy,
  type ProcessStatus,
  type Role,
  type Rule,
} from './process/index.js';
export {
  type AppliedKeepAlive,
  getKeepAlive,
  type KeepAliveState,
  type KeepAliveTarget,
  type KernelDefaults,
  kernelDefaults,
  type SocketHolder,
  setKeepAlive,
} from './socket/index.js';
