import type { Platform } from './platform.js';

/** include/uapi/linux/tcp.h, include/uapi/asm-generic/socket.h; TCP_USER_TIMEOUT since Linux 2.6.37. */
export const linux = {
  name: 'linux',
  keepAlive: { name: 'SO_KEEPALIVE', level: 1, option: 9 },
  idle: { name: 'TCP_KEEPIDLE', level: 6, option: 4, unitMs: 1000, sysctl: 'tcp_keepalive_time' },
  interval: { name: 'TCP_KEEPINTVL', level: 6, option: 5, unitMs: 1000, sysctl: 'tcp_keepalive_intvl' },
  count: { name: 'TCP_KEEPCNT', level: 6, option: 6, sysctl: 'tcp_keepalive_probes' },
  userTimeout: { name: 'TCP_USER_TIMEOUT', level: 6, option: 18, unitMs: 1 },
  rtoMax: { name: 'TCP_RTO_MAX_MS', level: 6, option: 44, unitMs: 1, sysctl: 'tcp_rto_max_ms', minimumKernel: '6.15' },
  tcpInfo: { name: 'TCP_INFO', level: 6, option: 11 },
  listenerOptionsInherited: true,
  hasDescriptors: true,
} as const satisfies Platform;
