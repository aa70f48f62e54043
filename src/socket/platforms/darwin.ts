import type { Platform } from './platform.js';

/** macOS netinet/tcp.h and sys/socket.h; TCP_RXT_CONNDROPTIME counts seconds of retransmission. */
export const darwin = {
  name: 'darwin',
  keepAlive: { name: 'SO_KEEPALIVE', level: 0xffff, option: 0x0008 },
  idle: { name: 'TCP_KEEPALIVE', level: 6, option: 0x10, unitMs: 1000 },
  interval: { name: 'TCP_KEEPINTVL', level: 6, option: 0x101, unitMs: 1000 },
  count: { name: 'TCP_KEEPCNT', level: 6, option: 0x102 },
  userTimeout: { name: 'TCP_RXT_CONNDROPTIME', level: 6, option: 0x80, unitMs: 1000 },
  listenerOptionsInherited: false,
  hasDescriptors: true,
} as const satisfies Platform;
