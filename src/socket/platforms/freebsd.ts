import type { Platform } from './platform.js';

/** FreeBSD netinet/tcp.h and sys/socket.h; TCP_MAXUNACKTIME (since 13.1) counts seconds. */
export const freebsd = {
  name: 'freebsd',
  keepAlive: { name: 'SO_KEEPALIVE', level: 0xffff, option: 0x0008 },
  idle: { name: 'TCP_KEEPIDLE', level: 6, option: 256, unitMs: 1000 },
  interval: { name: 'TCP_KEEPINTVL', level: 6, option: 512, unitMs: 1000 },
  count: { name: 'TCP_KEEPCNT', level: 6, option: 1024 },
  userTimeout: { name: 'TCP_MAXUNACKTIME', level: 6, option: 68, unitMs: 1000 },
  listenerOptionsInherited: false,
  hasDescriptors: true,
} as const satisfies Platform;
