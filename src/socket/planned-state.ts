import type { ValidPolicy } from '../policy/index.js';
import { kernelDefaults } from './kernel-defaults.js';
import type { AppliedKeepAlive } from './state.js';

type Values = Pick<AppliedKeepAlive, 'idle' | 'interval' | 'count' | 'userTimeout'>;

/** What a new socket has before anyone sets anything: the kernel's defaults, where they can be read. */
function newSocketValues(): Values {
  try {
    return { ...kernelDefaults(), userTimeout: 0 };
  } catch {
    return { idle: null, interval: null, count: null, userTimeout: null };
  }
}

/** The state that a policy will give a connection that does not exist yet. */
export function plannedState(policy: ValidPolicy | false): AppliedKeepAlive {
  if (policy === false) return { enabled: false, ...newSocketValues() };
  let unset: Values | undefined;
  const planned = (field: keyof Values): number | null => {
    const value = policy[field];
    if (typeof value === 'number') return value;
    if (field === 'userTimeout' && process.platform === 'linux') return 0;
    unset ??= newSocketValues();
    return unset[field];
  };
  return {
    enabled: true,
    idle: planned('idle'),
    interval: planned('interval'),
    count: planned('count'),
    userTimeout: planned('userTimeout'),
  };
}

/** The policy that setting one after the other comes to: what the later one leaves out stays as the earlier one says. */
export function mergePolicies(
  earlier: ValidPolicy | false | undefined,
  later: ValidPolicy | false,
): ValidPolicy | false {
  if (!earlier || !later) return later;
  return {
    idle: later.idle ?? earlier.idle,
    interval: later.interval ?? earlier.interval,
    count: later.count ?? earlier.count,
    userTimeout: later.userTimeout ?? earlier.userTimeout,
  };
}
