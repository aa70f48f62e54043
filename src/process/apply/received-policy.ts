import { fdOf, type Handle } from '../../node/handle.js';
import type { ValidPolicy } from '../../policy/policy.js';
import { isSettable, sameSettings, settingsOf } from '../../policy/settings.js';
import { canUseDescriptors } from '../../socket/descriptors.js';
import { newSocketState } from '../../socket/kernel-defaults.js';
import { isInForce, optionWrites } from '../../socket/option-writes.js';
import { readState } from '../../socket/options.js';
import { currentPlatform } from '../../socket/platforms/index.js';

/** The numbers of each two-argument call of `setKeepAlive` of Node.js (libuv, uv__tcp_keepalive). */
const nodeDefaults = { interval: 1000, count: 10 };

/**
 * Returns the policy that a program has given a connection explicitly before another process or thread handed it over here.
 * Returns undefined if the connection has the policy `wanted`, the kernel's defaults or what Node's own `setKeepAlive` sets.
 * Keepalive that was turned off looks like keepalive that was never on. The policy of `applyToProcess` in the other process looks
 * like one that was given explicitly. Linux only.
 *
 * @throws {SystemCallError} if the options cannot be read.
 */
export function receivedPolicy(handle: Handle, wanted: ValidPolicy | false): ValidPolicy | undefined {
  const fd = fdOf(handle);
  if (fd === undefined || process.platform !== 'linux' || !canUseDescriptors()) return undefined;
  const state = readState(fd, currentPlatform());
  if (!state.enabled || isInForce(optionWrites(wanted, currentPlatform()), state)) return undefined;
  const untouched = { ...newSocketState(), enabled: true };
  const asNodeSets = { ...untouched, idle: state.idle, ...nodeDefaults };
  if (sameSettings(state, untouched) || sameSettings(state, asNodeSets)) return undefined;
  return settingsOf((field) => (isSettable(field, state[field]) ? state[field] : undefined));
}
