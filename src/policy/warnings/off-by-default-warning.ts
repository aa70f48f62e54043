import { dialectNamed } from '../dialects/dialects.js';
import type { ImportedPolicy } from '../dialects/import-policy.js';
import type { PolicyWarning } from './policy-warnings.js';

/** Returns the warning of a policy whose text in the words of another system leaves keepalive off; undefined if it does not. */
export function offByDefaultWarning({ dialect, offByDefault }: ImportedPolicy): PolicyWarning | undefined {
  if (offByDefault === undefined) return undefined;
  return { code: 'off-by-default', message: offByDefault, source: dialectNamed(dialect).source };
}
