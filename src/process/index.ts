export { applyToProcess, type ProcessOptions, type ProcessPolicy } from './apply-to-process.js';
export { ConfigurationError } from './configuration-error.js';
export type { AppliedEvent } from './governor.js';
export type { Mode } from './intent.js';
export type { Role, Rule } from './rules.js';
export type { OverruledCaller, ProcessStatus } from './statistics.js';
