import { KeepAliveError } from './keep-alive-error.js';
import type { SettingField } from './policy.js';

/** The part of a policy that an error is about; `policy` stands for the whole. */
export type PolicyField = 'policy' | 'enabled' | SettingField;

/** A value as an error message shows it: short, quoted where it is text, never throwing. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}...` : JSON.stringify(value);
  }
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return String(value);
  try {
    return Array.isArray(value) ? 'an array' : 'an object';
  } catch {
    return 'a revoked proxy';
  }
}

/**
 * Thrown when a policy is not one that the kernel could be given.
 *
 * `field` names the part that is wrong, `given` is what was passed, `allowed` says what is accepted.
 * Nothing has been set when it is thrown.
 */
export class PolicyError extends KeepAliveError {
  override readonly name = 'PolicyError';
  readonly code = 'ERR_KEEPALIVE_POLICY';
  readonly field: PolicyField;
  readonly given: unknown;
  readonly allowed: string;

  constructor(field: PolicyField, given: unknown, allowed: string, hint?: string, shown = describeValue(given)) {
    super(`${field} must be ${allowed}, got ${shown}${hint === undefined ? '' : `; ${hint}`}`);
    this.field = field;
    this.given = given;
    this.allowed = allowed;
  }
}
