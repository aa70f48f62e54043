import { readFileSync } from 'node:fs';
import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import { RawSocket } from '../../native/socket/raw-socket.js';
import { localNameOf, peerNameOf } from '../../native/socket/socket-names.js';
import { readBytesOption, readIntOption, SO_COOKIE, type SocketOption } from '../../native/socket/socket-options.js';
import { isForwarding } from '../../native/thread/role.js';
import { fdOf, type Handle } from '../../node/handle.js';
import { callSoon, RealPromise } from '../../node/real-time.js';
import { type SegmentConnection, SegmentProber } from './segment-prober.js';
import { readSegmentStates } from './segment-states.js';

/** include/uapi/asm-generic/socket.h, since Linux 5.1. */
const SO_BINDTOIFINDEX: SocketOption = { name: 'SO_BINDTOIFINDEX', level: 1, option: 62 };

/** Numbers of capabilities (include/uapi/linux/capability.h). */
const capabilities = { sysAdmin: 21, netRaw: 13, perfmon: 38, bpf: 39 } as const;

let isRefused: boolean | undefined;

/** Returns whether the effective capabilities suffice. Asking the kernel for the rest takes longer than reading them. */
function hasCapabilities(): boolean {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
    const has = (number: number) => (effective & (1n << BigInt(number))) !== 0n;
    return (
      has(capabilities.netRaw) && (has(capabilities.sysAdmin) || (has(capabilities.bpf) && has(capabilities.perfmon)))
    );
  } catch {
    return false;
  }
}

function connectionOf(fd: number): SegmentConnection | undefined {
  const [local, remote] = [localNameOf(fd), peerNameOf(fd)];
  if (local === undefined || remote === undefined) return undefined;
  const cookie = readBytesOption(fd, SO_COOKIE, 8);
  return {
    local,
    remote,
    cookie: new DataView(cookie.buffer).getBigUint64(0, true),
    interfaceIndex: readIntOption(fd, SO_BINDTOIFINDEX),
  };
}

/** Sends a segment for each connection. Returns those for which one was sent. */
function sendAll(handles: readonly Handle[]): Set<Handle> {
  const sent = new Set<Handle>();
  using own = RawSocket.open({ source: new Uint8Array(4), interfaceIndex: 0, mark: 0 });
  const connections = new Map<Handle, SegmentConnection>();
  for (const handle of handles) {
    const fd = fdOf(handle);
    const connection = fd !== undefined && own.sharesNamespaceWith(fd) === true ? connectionOf(fd) : undefined;
    if (connection !== undefined) connections.set(handle, connection);
  }
  // Read last: a socket has no cookie before its first reader (net/core/sock_diag.c, __sock_gen_cookie).
  using prober = new SegmentProber(readSegmentStates(process.pid));
  for (const [handle, connection] of connections) if (prober.ask(connection) === undefined) sent.add(handle);
  return sent;
}

interface Request {
  readonly handle: Handle;
  resolve(isSent: boolean): void;
}

const requests: Request[] = [];

function sendRequested(): void {
  const batch = requests.splice(0);
  let sent: ReadonlySet<Handle> = new Set();
  try {
    isRefused ??= isForwarding() || !hasCapabilities();
    if (!isRefused) sent = sendAll(batch.map(({ handle }) => handle));
  } catch (error) {
    // A program may give up its privileges, and its user namespace may not have them on this machine.
    if (error instanceof SystemCallError || error instanceof UnsupportedError) isRefused = true;
  } finally {
    for (const { handle, resolve } of batch) resolve(sent.has(handle));
  }
}

/**
 * Asks the peer of a connection of this process from beside the connection: sends a keepalive segment on a raw socket, with
 * sequence numbers that a BPF program reads. Changes nothing on the connection. Resolves to false if none was sent.
 *
 * Needs CAP_NET_RAW, CAP_BPF and CAP_PERFMON, and the main thread. Blocks the thread for some 20 ms at the first call, which
 * reads the kernel's type information, and for some 2 ms at others. Requests of one turn of the event loop share a reading.
 */
export function sendSegment(handle: Handle): Promise<boolean> {
  return new RealPromise((resolve) => {
    requests.push({ handle, resolve });
    if (requests.length === 1) callSoon(sendRequested);
  });
}
