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
  type AppliedKeepAlive,
  getKeepAlive,
  type KeepAliveState,
  type KeepAliveTarget,
  type KernelDefaults,
  kernelDefaults,
  type SocketHolder,
  setKeepAlive,
} from './socket/index.js';
