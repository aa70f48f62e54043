import type { AddressPrefix } from '../ip-address.js';
import { AF_INET, AF_INET6 } from './messages.js';

/** The condition for the sockets that the kernel lists. A port range is inclusive. */
export type DiagFilter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly DiagFilter[] }
  | { readonly kind: 'not'; readonly of: DiagFilter }
  | { readonly kind: 'local-port' | 'remote-port'; readonly from: number; readonly to: number }
  | { readonly kind: 'local-address' | 'remote-address'; readonly prefix: AddressPrefix }
  | { readonly kind: 'cgroup'; readonly id: bigint };

/** Returns whether a value has the form of a filter. */
export function isDiagFilter(value: unknown): value is DiagFilter {
  const { kind, of, from, to, prefix, id } = (value ?? {}) as Readonly<Record<string, unknown>>;
  switch (kind) {
    case 'and':
    case 'or':
      return Array.isArray(of) && of.every(isDiagFilter);
    case 'not':
      return isDiagFilter(of);
    case 'local-port':
    case 'remote-port':
      return typeof from === 'number' && typeof to === 'number';
    case 'local-address':
    case 'remote-address':
      return typeof prefix === 'object' && prefix !== null;
    default:
      return kind === 'cgroup' && typeof id === 'bigint';
  }
}

/**
 * Codes of `struct inet_diag_bc_op`, from include/uapi/linux/inet_diag.h (since Linux 2.6.14; S_EQ and D_EQ since 4.16,
 * CGROUP_COND since 5.9):
 *
 *     struct inet_diag_bc_op {
 *       unsigned char  code;  // 0
 *       unsigned char  yes;   // 1, the jump if the condition holds: the length of the operation and its arguments
 *       unsigned short no;    // 2, the jump if the condition does not hold
 *     };
 *
 * Both jumps count bytes forward from the operation. A program that arrives at its end accepts the socket. Arriving four
 * bytes past the end rejects the socket.
 */
const INET_DIAG_BC_JMP = 1;
const INET_DIAG_BC_S_GE = 2;
const INET_DIAG_BC_S_LE = 3;
const INET_DIAG_BC_D_GE = 4;
const INET_DIAG_BC_D_LE = 5;
const INET_DIAG_BC_S_COND = 7;
const INET_DIAG_BC_D_COND = 8;
const INET_DIAG_BC_S_EQ = 11;
const INET_DIAG_BC_D_EQ = 12;
const INET_DIAG_BC_CGROUP_COND = 13;

const operationLength = 4;
const rejectDistance = 4;
const greatestPort = 65535;

/** `no` has sixteen bits, and so has the length of the attribute that holds the program. */
const greatestLength = 65_528;

function operation(code: number, argument: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(operationLength + argument.length);
  bytes[0] = code;
  bytes[1] = bytes.length;
  new DataView(bytes.buffer).setUint16(2, bytes.length + rejectDistance, true);
  bytes.set(argument, operationLength);
  return bytes;
}

function jump(distance: number): Uint8Array {
  if (distance > greatestLength) throw tooLong();
  const bytes = Uint8Array.of(INET_DIAG_BC_JMP, operationLength, 0, 0);
  new DataView(bytes.buffer).setUint16(2, distance, true);
  return bytes;
}

function tooLong(): RangeError {
  return new RangeError(`a filter must fit into the ${greatestLength} bytes of a request: use fewer conditions`);
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Compares with a port, which is the `no` of a second operation. The kernel ignores the other fields. */
function comparePort(code: number, port: number): Uint8Array {
  const argument = new Uint8Array(operationLength);
  new DataView(argument.buffer).setUint16(2, port, true);
  return operation(code, argument);
}

function comparePorts(isLocal: boolean, from: number, to: number): Uint8Array {
  const isPort = (port: number) => Number.isInteger(port) && port >= 0 && port <= greatestPort;
  if (!isPort(from) || !isPort(to) || from > to) {
    throw new RangeError(`a port range must lie in 0 to ${greatestPort} and not be empty, got ${from} to ${to}`);
  }
  if (from === to) return comparePort(isLocal ? INET_DIAG_BC_S_EQ : INET_DIAG_BC_D_EQ, from);
  return bothOf(
    comparePort(isLocal ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE, from),
    comparePort(isLocal ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE, to),
  );
}

/**
 * Compares an address, by include/uapi/linux/inet_diag.h. An IPv4 condition also holds for IPv4-mapped addresses.
 *
 *     struct inet_diag_hostcond {
 *       __u8   family;      // 0
 *       __u8   prefix_len;  // 1
 *       int    port;        // 4, -1 for any
 *       __be32 addr[];      // 8
 *     };
 */
function compareAddress(isLocal: boolean, { family, address, length }: AddressPrefix): Uint8Array {
  if (address.length !== (family === 4 ? 4 : 16) || !(length >= 0 && length <= address.length * 8)) {
    throw new RangeError(`a prefix of ${length} bits does not fit an IPv${family} address of ${address.length} bytes`);
  }
  const argument = new Uint8Array(8 + address.length);
  argument[0] = family === 4 ? AF_INET : AF_INET6;
  argument[1] = length;
  new DataView(argument.buffer).setInt32(4, -1, true);
  argument.set(address, 8);
  const code = isLocal ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND;
  const condition = operation(code, argument);
  // For the kernel, ::ffff:0:0/96 is part of a shorter IPv6 prefix; this package treats ::ffff:0:0/96 as IPv4.
  const holdsMapped = family === 6 && length < 96 && address.subarray(0, 10).every((byte) => byte === 0);
  if (!holdsMapped) return condition;
  return bothOf(condition, negated(compareAddress(isLocal, { family: 4, address: new Uint8Array(4), length: 0 })));
}

function compareCgroup(id: bigint): Uint8Array {
  const argument = new Uint8Array(8);
  new DataView(argument.buffer).setBigUint64(0, id, true);
  return operation(INET_DIAG_BC_CGROUP_COND, argument);
}

/** Moves the reject target of a program by `distance`, past the end of the code that will follow. */
function withRejectFurther(program: Uint8Array, distance: number): Uint8Array {
  const moved = program.slice();
  const view = new DataView(moved.buffer);
  for (let at = 0; at < moved.length; at += view.getUint8(at + 1)) {
    const no = view.getUint16(at + 2, true);
    if (at + no !== program.length + rejectDistance) continue;
    if (no + distance > greatestLength) throw tooLong();
    view.setUint16(at + 2, no + distance, true);
  }
  return moved;
}

function bothOf(first: Uint8Array, second: Uint8Array): Uint8Array {
  return joined(withRejectFurther(first, second.length), second);
}

/** Accepts if either program accepts: a rejection by `first` continues at `second`, after the jump. */
function eitherOf(first: Uint8Array, second: Uint8Array): Uint8Array {
  return joined(first, jump(operationLength + second.length), second);
}

/** Inverts a program: a rejection arrives at the end, and an acceptance at a jump to the reject target. */
function negated(program: Uint8Array): Uint8Array {
  return joined(program, jump(operationLength + rejectDistance));
}

function compile(filter: DiagFilter): Uint8Array {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      // Conditions are combined from the right, so that `bothOf` does not rewrite the combined program each time.
      const [first, ...rest] = filter.of.map(compile).reverse();
      if (first === undefined) throw new RangeError(`'${filter.kind}' needs at least one condition`);
      const combine = filter.kind === 'and' ? bothOf : eitherOf;
      return rest.reduce((later, earlier) => combine(earlier, later), first);
    }
    case 'not':
      return negated(compile(filter.of));
    case 'local-port':
    case 'remote-port':
      return comparePorts(filter.kind === 'local-port', filter.from, filter.to);
    case 'local-address':
    case 'remote-address':
      return compareAddress(filter.kind === 'local-address', filter.prefix);
    case 'cgroup':
      return compareCgroup(filter.id);
  }
}

/**
 * Compiles a filter to the program that the kernel runs on every socket of a dump (INET_DIAG_REQ_BYTECODE).
 *
 * @throws {RangeError} if a port or prefix is out of range, an `and` or `or` is empty, or the filter is too long to send.
 */
export function encodeDiagFilter(filter: DiagFilter): Uint8Array {
  const program = compile(filter);
  if (program.length > greatestLength) throw tooLong();
  return program;
}
