export { ConfigurationError, refuseOtherFields } from './configuration-error.js';
export { type Conditions, detectionTime, type Scenario } from './detection-time.js';
export { readMilliseconds } from './duration.js';
export { describeValue, PolicyError, type PolicyField } from './errors.js';
export { formatPolicy } from './format.js';
export { parsePolicy, readPolicy } from './parse.js';
export type { Duration, KeepAlivePolicy, ParsedPolicy, PolicyInput, ValidPolicy } from './policy.js';
export type { TimeRange } from './range.js';
export { secondsMeant } from './unit-slip.js';
