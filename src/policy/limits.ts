/**
 * What `setsockopt` accepts, from the kernel's include/net/tcp.h (since 2.4):
 *
 *     #define MAX_TCP_KEEPIDLE   32767
 *     #define MAX_TCP_KEEPINTVL  32767
 *     #define MAX_TCP_KEEPCNT    127
 *
 * and for TCP_USER_TIMEOUT any non-negative int (net/ipv4/tcp.c, since 2.6.37).
 */
export const limits = {
  idleSeconds: { min: 1, max: 32767 },
  intervalSeconds: { min: 1, max: 32767 },
  count: { min: 1, max: 127 },
  userTimeoutMs: { min: 0, max: 2 ** 31 - 1 },
} as const;
