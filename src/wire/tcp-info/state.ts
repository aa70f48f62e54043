/**
 * The states of a TCP socket, from include/net/tcp_states.h, in its order; 1 is ESTABLISHED. NEW_SYN_RECV, since
 * Linux 4.4, is internal: inet_diag reports such a socket as SYN_RECV.
 */
export const tcpStates = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;

export type TcpState = (typeof tcpStates)[number];

/** Returns the state of a number of the kernel; UNKNOWN for a number of a later kernel. */
export function tcpStateOf(number: number): TcpState {
  return tcpStates[number] ?? 'UNKNOWN';
}

/** Returns a mask with one bit for each state, as in requests to inet_diag (`1 << TCP_ESTABLISHED`). */
export function stateMask(states: Iterable<TcpState>): number {
  let mask = 0;
  for (const state of states) mask |= 1 << tcpStates.indexOf(state);
  return mask;
}
