import type net from 'node:net';
import { UnsupportedError } from '../native/index.js';
import type { ValidPolicy } from '../policy/index.js';
import { assignments, checkAssignable } from './assignments.js';
import { changeOptions } from './change-options.js';
import { canUseDescriptors } from './descriptors.js';
import { rememberExplicit } from './explicit-policy.js';
import { checkNodeCall, setThroughNode } from './node-call.js';
import { writePolicyOnNew } from './options.js';
import { mergePolicies, plannedState } from './planned-state.js';
import { currentPlatform } from './platforms/index.js';
import type { AppliedKeepAlive } from './state.js';
import { subscribersOf } from './subscribers.js';
import { bottomOf, carrierOf, descriptorOf, type Handle, handleOf, openDescriptor, refuseFrozen } from './target.js';
import { setForProgram } from './watch-policy.js';

/** For a stream that is not backed by a socket of the system, such as TLS over a Duplex. */
export function noDescriptor(): UnsupportedError {
  return new UnsupportedError('keepalive on this stream', 'a socket of the system; this one has no descriptor');
}

/** Refuses a policy that this platform cannot apply, before it is promised for later. */
export function checkApplicable(policy: ValidPolicy | false): void {
  if (canUseDescriptors()) checkAssignable(policy, currentPlatform());
  else checkNodeCall(policy);
}

function isOpen(socket: net.Socket): boolean {
  return canUseDescriptors() ? descriptorOf(socket) !== undefined : !socket.pending;
}

/** Sets a policy on an open handle: on its descriptor where there is one, else through Node's own call. */
export function setOnHandle(handle: Handle | undefined, policy: ValidPolicy | false): AppliedKeepAlive {
  const fd = handle && openDescriptor(handle);
  if (handle === undefined || fd === undefined || !canUseDescriptors()) return setThroughNode(handle, policy);
  const bottom = bottomOf(handle);
  const list = assignments(policy, currentPlatform());
  const state = setForProgram(bottom, fd, list) ?? changeOptions(bottom, fd, list);
  for (const subscriber of subscribersOf(bottom)) subscriber.optionsSet();
  return state;
}

/** As {@link setOnHandle}, on one that was just opened, and on which nothing was set. */
export function setOnNewHandle(handle: Handle, policy: ValidPolicy): AppliedKeepAlive {
  const fd = openDescriptor(handle);
  if (fd === undefined || !canUseDescriptors()) return setThroughNode(handle, policy);
  return writePolicyOnNew(fd, policy, currentPlatform());
}

/** Sets a policy on a socket that is open. */
export function setOnOpenSocket(socket: net.Socket, policy: ValidPolicy | false): AppliedKeepAlive {
  return setOnHandle(handleOf(socket), policy);
}

/** The policy that each connecting socket is to have; the latest one counts. */
const awaited = new WeakMap<net.Socket, ValidPolicy | false>();

/** The state that a socket without a descriptor will have, if it was given a policy. */
export function awaitedState(socket: net.Socket): AppliedKeepAlive | undefined {
  const policy = awaited.get(socket);
  return policy === undefined ? undefined : { ...plannedState(policy), pending: true };
}

function setOrDestroy(socket: net.Socket): void {
  const policy = awaited.get(socket);
  if (policy === undefined || socket.destroyed) return;
  try {
    setOnOpenSocket(socket, policy);
  } catch (error) {
    // Nobody is left to throw to, and a connection that runs on unprotected must not look protected.
    socket.destroy(error as Error);
  }
}

/**
 * Sets a policy on each descriptor that a connecting socket is given (one for each address tried), in the tick in
 * which it is opened, and again when it is connected: Node.js then carries out an earlier `setKeepAlive` of its own,
 * which resets interval and count.
 */
function setWhenConnecting(socket: net.Socket, policy: ValidPolicy | false): void {
  const earlier = awaited.get(socket);
  if (earlier === undefined) refuseFrozen(socket);
  awaited.set(socket, mergePolicies(earlier, policy));
  if (earlier !== undefined) return;
  const setIfOpen = () => {
    if (isOpen(socket)) setOrDestroy(socket);
  };
  const onAttempt = () => process.nextTick(setIfOpen);
  const stop = () => {
    awaited.delete(socket);
    socket.off('connectionAttempt', onAttempt).off('connect', onConnect).off('close', stop);
  };
  const onConnect = () => {
    setOrDestroy(socket);
    stop();
  };
  socket.on('connectionAttempt', onAttempt).prependListener('connect', onConnect).on('close', stop);
}

/** Sets a policy on a socket, now or the moment it has a descriptor. */
export function setOnSocket(socket: net.Socket, policy: ValidPolicy | false): AppliedKeepAlive {
  const carrier = carrierOf(socket);
  if (!isOpen(carrier)) checkApplicable(policy);
  const state = isOpen(carrier) ? setOnOpenSocket(carrier, policy) : undefined;
  if (carrier.pending) setWhenConnecting(carrier, policy);
  const applied = state ?? awaitedState(carrier);
  if (applied === undefined) throw noDescriptor();
  rememberExplicit(carrier, policy);
  return applied;
}
