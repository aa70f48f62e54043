import { getSystemErrorName } from 'node:util';
import { SystemCallError, UnsupportedError } from '../native/errors.js';
import { Socket } from '../node/classes.js';
import type { Handle } from '../node/handle.js';
import { isOff, type ValidPolicy } from '../policy/policy.js';
import { settingFields, settingsOf, unknownSetting } from '../policy/settings.js';
import { whyNoDescriptors } from './descriptors.js';
import type { PlannedPolicy } from './planned-state.js';
import type { SocketKeepAlive } from './state.js';

/** Returns whether this Node.js passes interval and count on: since 24.19 and 26.4. */
function nodeSetsIntervalAndCount(): boolean {
  return Socket.prototype.setKeepAlive.length >= 4;
}

function unsupported(feature: string, instead: string): UnsupportedError {
  const reason = whyNoDescriptors();
  return new UnsupportedError(feature, `${instead}, or ${reason?.requires ?? 'system calls'}`, reason);
}

/** Returns whether a policy has numbers, which Node's own call can set only with keepalive on. */
function statesNumbers(policy: PlannedPolicy): policy is ValidPolicy {
  return policy !== false && settingFields.some((field) => policy[field] !== undefined);
}

/** Refuses what Node's own call cannot do, before anything is set. */
export function checkNodeCall(policy: PlannedPolicy): void {
  if (isOff(policy) && !statesNumbers(policy)) return;
  if (!nodeSetsIntervalAndCount()) {
    throw unsupported('setting interval and count', 'Node.js 24.19, 26.4 or later');
  }
  for (const field of settingFields) {
    if (field !== 'idle' && field !== 'interval' && field !== 'count') {
      if (policy[field] !== undefined) throw unsupported(`setting ${field}`, `a policy without ${field}`);
    } else if (typeof policy[field] !== 'number') {
      throw unsupported(`a policy without a number for ${field}`, "a number, because Node's own call sets all three");
    }
  }
}

function callNode(handle: Handle | undefined, enable: boolean, idle: number, interval: number, count: number): void {
  if (handle?.setKeepAlive === undefined) {
    throw new UnsupportedError('a keepalive policy on this socket', 'a TCP socket');
  }
  // The handle is called because net.Socket.setKeepAlive drops every error and skips what it believes is in force.
  const status = handle.setKeepAlive(enable, idle / 1000, interval / 1000, count);
  if (status === 0) return;
  const given = enable ? `idle ${idle} ms, interval ${interval} ms, count ${count}` : 'keepalive off';
  throw new SystemCallError('setsockopt', getSystemErrorName(status), `the system refused ${given}`);
}

/**
 * Sets a policy through Node's own four-argument call, for Windows and if the FFI cannot be loaded.
 *
 * What it states was accepted by the system but cannot be read back, and says so in `readBack`.
 *
 * @throws {UnsupportedError} if that call cannot set the policy; {@link SystemCallError} if the system refuses it.
 */
export function setThroughNode(handle: Handle | undefined, policy: PlannedPolicy): SocketKeepAlive {
  checkNodeCall(policy);
  const enabled = !isOff(policy);
  const unknown = settingsOf(unknownSetting);
  const { idle, interval, count } = policy as { idle: number; interval: number; count: number };
  if (statesNumbers(policy)) callNode(handle, true, idle, interval, count);
  if (!enabled) callNode(handle, false, 0, 0, 0);
  return { enabled, ...unknown, ...(statesNumbers(policy) ? { idle, interval, count } : {}), readBack: false };
}
