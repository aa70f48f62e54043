import type { ValidPolicy } from '../policy/index.js';
import { kernelDefaults } from './kernel-defaults.js';
import type { AppliedKeepAlive } from './state.js';

const unknown = { idle: null, interval: null, count: null, userTimeout: null };

/** What a new socket has before anyone sets anything: the kernel's defaults, where they can be read. */
function newSocketValues(): Omit<AppliedKeepAlive, 'enabled'> {
  return process.platform === 'linux' ? { ...kernelDefaults(), userTimeout: 0 } : unknown;
}

/** The state that a policy will give a connection that does not exist yet. */
export function plannedState(policy: ValidPolicy | false): AppliedKeepAlive {
  const unset = newSocketValues();
  if (policy === false) return { enabled: false, ...unset };
  const planned = <Field extends keyof typeof unknown>(field: Field): number | null => {
    const value = policy[field];
    return typeof value === 'number' ? value : unset[field];
  };
  return {
    enabled: true,
    idle: planned('idle'),
    interval: planned('interval'),
    count: planned('count'),
    userTimeout: planned('userTimeout'),
  };
}
