import { localNameOf, peerNameOf } from '../../native/socket/socket-names.js';
import { isOff, type ValidPolicy } from '../../policy/policy.js';
import { settingsOf } from '../../policy/settings.js';
import { newSocketState } from '../../socket/kernel-defaults.js';
import { isInForce, optionWrites } from '../../socket/option-writes.js';
import { readState, writePolicy } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import type { KeepAliveState } from '../../socket/state.js';
import { type ActivePolicy, type ConnectionPolicy, policyFor } from '../apply/active-policy.js';
import type { ProcessMode } from '../apply/requested-keep-alive.js';
import type { ConnectionRole } from '../apply/rules.js';

/** Returns the policy of a connection. The host name is unknown, because native code resolves the name itself. */
export function decideOnConnection(fd: number, role: ConnectionRole, activePolicy: ActivePolicy): ConnectionPolicy {
  const [local, peer] = [localNameOf(fd), peerNameOf(fd)];
  const facts = { role, remoteAddress: peer?.address, remotePort: peer?.port, localPort: local?.port };
  return policyFor(activePolicy, facts) ?? 'unmanaged';
}

/** Returns the policy of a listener. Returns undefined if a rule depends on the peer. */
export function decideOnListener(fd: number, activePolicy: ActivePolicy): ConnectionPolicy | undefined {
  return policyFor(activePolicy, { role: 'server', localPort: localNameOf(fd)?.port });
}

/**
 * Returns the policy for a socket. With `'fill'`, numbers that differ from the numbers of a new socket were set by native
 * code, and stay. Keepalive that native code turned off is the same as keepalive that was never on.
 */
function wantedPolicy(policy: ValidPolicy | false, state: KeepAliveState, mode: ProcessMode): ValidPolicy | false {
  if (mode === 'enforce') return policy;
  if (isOff(policy) && !state.enabled) return policy;
  const numbers: ValidPolicy = policy === false ? {} : policy;
  const untouched = newSocketState();
  return settingsOf((field) => (state[field] === untouched[field] ? numbers[field] : undefined));
}

/**
 * Sets the policy of a socket, and returns the state in force. Returns `'in force'` if the socket had the policy already,
 * `'gone'` if the descriptor is no longer the socket's.
 *
 * @param isUnchanged Called right before the options are set. In the microseconds afterwards, native code can still close
 * the descriptor: at worst, another TCP socket that this process then opens gets the policy.
 * @throws {SystemCallError} if the kernel refuses the options.
 */
export function applyToNative(
  fd: number,
  policy: ValidPolicy | false,
  mode: ProcessMode,
  isUnchanged: () => boolean,
): KeepAliveState | 'in force' | 'gone' {
  const platform = currentPlatform();
  const state = readState(fd, platform);
  const wanted = wantedPolicy(policy, state, mode);
  if (isInForce(optionWrites(wanted, platform), state)) return 'in force';
  return !isUnchanged() ? 'gone' : writePolicy(fd, wanted, platform);
}
