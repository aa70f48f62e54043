import type net from 'node:net';
import { UnsupportedError } from '../native/errors.js';
import { type Following, followConnecting } from '../node/follow-connecting.js';
import { bottomOf, carrierOf, descriptorOf, fdOf, type Handle, handleOf } from '../node/handle.js';
import { subscribersOf } from '../node/subscribers.js';
import type { ValidPolicy } from '../policy/policy.js';
import { sameSettings } from '../policy/settings.js';
import { canUseDescriptors } from './descriptors.js';
import { rememberExplicit, rememberForHandle } from './explicit-policy.js';
import { changeOptions } from './interim/change-options.js';
import { optionOwners, programState } from './interim/option-owner.js';
import { checkNodeCall, setThroughNode } from './node-call.js';
import { assertWritable, isInForce, neededWrites, optionWrites } from './option-writes.js';
import { writePolicyOnNew } from './options.js';
import { mergePolicies, type PlannedPolicy, plannedState } from './planned-state.js';
import { currentPlatform } from './platforms/index.js';
import { warnIfSlow } from './slow-detection.js';
import type { SocketKeepAlive } from './state.js';
import { assertExtensible } from './target.js';

/** For a stream that is not backed by a socket of the system, such as TLS over a Duplex. */
export function noDescriptor(): UnsupportedError {
  return new UnsupportedError('keepalive on this stream', 'a socket of the system; this one has no descriptor');
}

/** Refuses a policy that this platform cannot apply, before it is promised for later. */
export function checkApplicable(policy: PlannedPolicy): void {
  if (canUseDescriptors()) assertWritable(policy, currentPlatform());
  else checkNodeCall(policy);
}

function isOpen(socket: net.Socket): boolean {
  return canUseDescriptors() ? descriptorOf(socket) !== undefined : !socket.pending;
}

/** Sets a policy on an open handle: on its descriptor where there is one, else through Node's own call. */
export function setOnHandle(handle: Handle | undefined, policy: PlannedPolicy): SocketKeepAlive {
  if (handle === undefined || !canUseDescriptors()) return setThroughNode(handle, policy);
  const fd = fdOf(handle);
  if (fd === undefined) throw noDescriptor();
  const bottom = bottomOf(handle);
  const before = () => programState(bottom, fd);
  const list = neededWrites(policy, currentPlatform(), before);
  const set = () => optionOwners.get(bottom)?.setForProgram(fd, list) ?? changeOptions(bottom, fd, list);
  const state = warnIfSlow(policy, () => before().enabled, set);
  for (const subscriber of subscribersOf(bottom)) subscriber.optionsSet();
  return state;
}

/** As {@link setOnHandle}, on one that was just opened, and on which nothing was set. */
export function setOnNewHandle(handle: Handle, policy: PlannedPolicy, isReadBack: boolean): SocketKeepAlive {
  const fd = fdOf(handle);
  if (fd === undefined || !canUseDescriptors()) return setThroughNode(handle, policy);
  return writePolicyOnNew(fd, policy, currentPlatform(), isReadBack);
}

/** Returns whether the kernel has all options of a policy. If the kernel cannot be asked, compares with what was last set. */
export function hasPolicy(handle: Handle, policy: PlannedPolicy, lastSet: PlannedPolicy): boolean {
  const fd = fdOf(handle);
  if (fd === undefined || !canUseDescriptors()) {
    return policy === false || lastSet === false ? policy === lastSet : sameSettings(policy, lastSet);
  }
  return isInForce(optionWrites(policy, currentPlatform()), programState(handle, fd));
}

/** A policy that a socket gets once it has a descriptor. */
interface Awaited {
  policy: PlannedPolicy;
  following: Following | undefined;
}

const awaitedPolicies = new WeakMap<net.Socket, Awaited>();

function awaitedBy(socket: net.Socket): Awaited | undefined {
  const awaited = awaitedPolicies.get(socket);
  return awaited?.following?.isPending() ? awaited : undefined;
}

/** The state that a socket without a descriptor will have, if it was given a policy. */
export function awaitedState(socket: net.Socket): SocketKeepAlive | undefined {
  const awaited = awaitedBy(socket);
  return awaited && { ...plannedState(awaited.policy), status: 'pending' };
}

function setOrDestroy(socket: net.Socket, policy: PlannedPolicy): void {
  if (socket.destroyed) return;
  try {
    setOnHandle(handleOf(socket), policy);
    rememberForHandle(socket);
  } catch (error) {
    // Nobody is left to throw to, and a connection that runs on unprotected must not look protected.
    socket.destroy(error as Error);
  }
}

/** Sets a policy on each descriptor that a connecting socket is given, one for each address tried. */
function setWhenConnecting(socket: net.Socket, policy: ValidPolicy | false): void {
  const earlier = awaitedBy(socket);
  if (earlier !== undefined) {
    earlier.policy = mergePolicies(earlier.policy, policy);
    return;
  }
  assertExtensible(socket);
  const awaited: Awaited = { policy, following: undefined };
  awaitedPolicies.set(socket, awaited);
  awaited.following = followConnecting(socket, () => setOrDestroy(socket, awaited.policy));
}

/** Sets a policy on a socket, now or the moment it has a descriptor. */
export function setOnSocket(socket: net.Socket, policy: ValidPolicy | false): SocketKeepAlive {
  const carrier = carrierOf(socket);
  if (!isOpen(carrier)) checkApplicable(policy);
  const state = isOpen(carrier) ? setOnHandle(handleOf(carrier), policy) : undefined;
  if (carrier.pending) setWhenConnecting(carrier, policy);
  const applied = state ?? awaitedState(carrier);
  if (applied === undefined) throw noDescriptor();
  rememberExplicit(carrier, policy);
  return applied;
}
