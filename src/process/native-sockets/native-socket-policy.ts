import { localNameOf, peerNameOf } from '../../native/socket/socket-names.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { settingsOf } from '../../policy/settings.js';
import { newSocketState } from '../../socket/kernel-defaults.js';
import { isInForce, optionWrites } from '../../socket/option-writes.js';
import { readState, writePolicy } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';
import type { KeepAliveState } from '../../socket/state.js';
import { type ActivePolicy, type ConnectionPolicy, policyFor } from '../apply/active-policy.js';
import type { ProcessMode } from '../apply/requested-keep-alive.js';
import type { ConnectionRole } from '../apply/rules.js';

/** Decides on a connection. The host is not known, because native code looks it up itself. */
export function decideOnConnection(fd: number, role: ConnectionRole, activePolicy: ActivePolicy): ConnectionPolicy {
  const [local, peer] = [localNameOf(fd), peerNameOf(fd)];
  const facts = { role, remoteAddress: peer?.address, remotePort: peer?.port, localPort: local?.port };
  return policyFor(activePolicy, facts) ?? 'unmanaged';
}

/** Decides on a listener. Returns undefined if a rule asks for the peer. */
export function decideOnListener(fd: number, activePolicy: ActivePolicy): ConnectionPolicy | undefined {
  return policyFor(activePolicy, { role: 'server', localPort: localNameOf(fd)?.port });
}

/**
 * Returns the policy for a socket. With `'fill'`, numbers that differ from those of a new socket are native code's own and
 * win. Keepalive that native code turned off looks like keepalive that was never on.
 */
function wantedPolicy(policy: ValidPolicy | false, state: KeepAliveState, mode: ProcessMode): ValidPolicy | false {
  if (mode === 'enforce') return policy;
  if (policy === false) return state.enabled ? {} : false;
  const untouched = newSocketState();
  return settingsOf((field) => (state[field] === untouched[field] ? policy[field] : undefined));
}

/**
 * Gives a socket its policy and returns the state that is then in force. Returns `'in force'` if the socket had the policy
 * already, `'gone'` if the descriptor is no longer the socket's.
 *
 * @param isUnchanged Asked right before the options are set. A thread of native code can still close the descriptor in the
 * following microseconds; at worst another TCP socket that this process opens in them gets the policy.
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
