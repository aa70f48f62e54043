import { detectionTime, type EndReason, type PeerEventName, type TimeRange } from '../../src/index.js';
import type { Transport } from '../peers.js';
import {
  deafPeer,
  userTimeoutUnreachable,
  userTimeoutWindow,
  watchInFlight,
  watchUnreachable,
  watchWindow,
} from './reckoning.js';

/** What guards the connection: the policy alone, with a user timeout, or in a watch that destroys. */
export type Guard = 'keepalive' | 'user timeout' | 'deadAfter';

export const guards: readonly Guard[] = ['keepalive', 'user timeout', 'deadAfter'];
export const transports: readonly Transport[] = ['IPv4', 'IPv6', 'TLS'];

/** What is to become of the connection. */
export interface Expectation {
  readonly verdict: 'alive' | 'dead';
  /** When it is dead, by the retransmission timeout that the sender has; counted as the fault says. */
  readonly within?: (rtoMs: number) => TimeRange;
  readonly reason?: EndReason;
  /** Of the error that the program gets. */
  readonly code?: string;
  /** Where it is another one over IPv6. */
  readonly codeIPv6?: string;
  /** The events before the end, where they are not those of the fault. */
  readonly story?: readonly PeerEventName[];
}

export type FaultName =
  | 'crash while idle'
  | 'crash, data in flight'
  | 'crash of a non-reader'
  | 'reboot'
  | 'cable cut one way'
  | 'cut one way, in flight'
  | 'unreachable, idle'
  | 'unreachable, in flight'
  | 'NAT entry dropped'
  | 'silence that ends'
  | 'slow reader'
  | '30 % loss';

/** One way to lose a peer, or to seem to. */
export interface Fault {
  readonly name: FaultName;
  /** Whether the peer is still there, so that its connection must survive. */
  readonly isPeerThere: boolean;
  /** Whether it takes network namespaces and a router, and so root. */
  readonly needsRoot: boolean;
  readonly policy: string;
  /** The user timeout, and the watch's `deadAfter`. */
  readonly limitMs: number;
  /** How long a connection that is to live is looked at. */
  readonly observedMs: number;
  readonly expected: Readonly<Record<Guard, Expectation>>;
  /** The events before the end that a watch gives, where they do not depend on chance. */
  readonly story?: readonly PeerEventName[];
}

const policy = '2:1:3';
/** idle + interval x count, as `auto` would be. */
const limitMs = 5000;
const withLimit = `${policy}:${limitMs}ms`;

const usual = { policy, limitMs, needsRoot: false, observedMs: 9000 };
const alive: Expectation = { verdict: 'alive' };

const byKeepAlive: Expectation = {
  verdict: 'dead',
  within: () => detectionTime(policy),
  reason: 'keepalive',
  code: 'ETIMEDOUT',
};
const byUserTimeout = (within: (rtoMs: number) => TimeRange): Expectation => {
  return { verdict: 'dead', within, reason: 'user-timeout', code: 'ETIMEDOUT' };
};
const byWatch = (within: (rtoMs: number) => TimeRange): Expectation => {
  return { verdict: 'dead', within, reason: 'unanswered', code: 'ETIMEDOUT' };
};
const byReset: Expectation = {
  verdict: 'dead',
  within: () => detectionTime(policy, 'rebooted'),
  reason: 'reset',
  code: 'ECONNRESET',
};

/** A silent peer that nothing was sent to: keepalive is as fast as the watch, whose `deadAfter` begins with a probe. */
const silent: Fault['expected'] = {
  keepalive: byKeepAlive,
  'user timeout': byUserTimeout(() => detectionTime(withLimit)),
  deadAfter: byKeepAlive,
};

const inFlight = (rtoMs: number) => detectionTime(withLimit, 'data-in-flight', { rtoMs });

/** Keepalive says nothing about a peer that owes an acknowledgement: `tcp_retries2` ends that after 15 minutes. */
const owing: Fault['expected'] = {
  keepalive: alive,
  'user timeout': byUserTimeout(inFlight),
  deadAfter: byWatch((rtoMs) => watchInFlight(limitMs, rtoMs)),
};

const killedNonReader = byUserTimeout((rtoMs) => userTimeoutWindow(limitMs, rtoMs));

export const faults: readonly Fault[] = [
  { ...usual, name: 'crash while idle', isPeerThere: false, expected: silent, story: ['suspect'] },
  { ...usual, name: 'crash, data in flight', isPeerThere: false, expected: owing, story: ['suspect'] },
  {
    ...usual,
    name: 'crash of a non-reader',
    isPeerThere: false,
    observedMs: 12_000,
    expected: {
      keepalive: alive,
      // It ends before the second window probe that is unanswered, which makes the watch suspicious.
      'user timeout': { ...killedNonReader, story: ['stalled'] },
      deadAfter: byWatch((rtoMs) => watchWindow(limitMs, rtoMs)),
    },
    story: ['stalled', 'suspect'],
  },
  {
    ...usual,
    name: 'reboot',
    isPeerThere: false,
    expected: { keepalive: byReset, 'user timeout': byReset, deadAfter: byReset },
    story: [],
  },
  {
    ...usual,
    name: 'cable cut one way',
    isPeerThere: false,
    observedMs: 18_000,
    expected: {
      keepalive: { ...byKeepAlive, within: (rtoMs) => deafPeer(policy, rtoMs) },
      'user timeout': byUserTimeout((rtoMs) => deafPeer(withLimit, rtoMs)),
      deadAfter: { ...byKeepAlive, within: (rtoMs) => deafPeer(policy, rtoMs) },
    },
  },
  {
    ...usual,
    name: 'cut one way, in flight',
    isPeerThere: false,
    expected: owing,
    story: ['suspect'],
  },
  // ICMP is no answer to a probe: the kernel heeds it only for data, and only when it gives up.
  {
    ...usual,
    name: 'unreachable, idle',
    isPeerThere: false,
    needsRoot: true,
    expected: silent,
    story: ['suspect'],
  },
  {
    ...usual,
    name: 'unreachable, in flight',
    isPeerThere: false,
    needsRoot: true,
    expected: {
      ...owing,
      // A Linux router without a route says "host unreachable" over IPv4 and "no route" over IPv6.
      'user timeout': {
        ...byUserTimeout((rtoMs) => userTimeoutUnreachable(limitMs, rtoMs)),
        reason: 'unreachable',
        code: 'EHOSTUNREACH',
        codeIPv6: 'ENETUNREACH',
      },
      deadAfter: byWatch((rtoMs) => watchUnreachable(limitMs, rtoMs)),
    },
    story: ['suspect'],
  },
  { ...usual, name: 'NAT entry dropped', isPeerThere: false, needsRoot: true, expected: silent, story: ['suspect'] },
  {
    ...usual,
    name: 'silence that ends',
    isPeerThere: true,
    expected: { keepalive: alive, 'user timeout': alive, deadAfter: alive },
    story: ['suspect', 'recovered'],
  },
  {
    ...usual,
    name: 'slow reader',
    isPeerThere: true,
    expected: { keepalive: alive, 'user timeout': killedNonReader, deadAfter: alive },
    story: ['stalled'],
  },
  // With a count of 3 a round of probes would end such a connection with 0.3^3 = 2.7 %; with 12, with 0.3^12 = 5e-7.
  {
    ...usual,
    name: '30 % loss',
    isPeerThere: true,
    policy: '1:1:12',
    limitMs: 13_000,
    observedMs: 15_000,
    expected: { keepalive: alive, 'user timeout': alive, deadAfter: alive },
  },
];

/** One connection that is played. */
export interface Cell {
  readonly fault: Fault;
  readonly transport: Transport;
  readonly guard: Guard;
  readonly expected: Expectation;
}

export const cells: readonly Cell[] = faults.flatMap((fault) =>
  transports.flatMap((transport) =>
    guards.map((guard) => ({ fault, transport, guard, expected: fault.expected[guard] })),
  ),
);

export function titleOf({ fault, transport, guard }: Cell): string {
  return `${fault.name}, ${transport}, ${guard}${fault.needsRoot ? ' (root)' : ''}`;
}
