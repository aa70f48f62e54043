import type { Platform } from './platform.js';

/** ws2ipdef.h and winsock2.h; TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT since Windows 10 1709. */
export const windows = {
  name: 'win32',
  keepAlive: { name: 'SO_KEEPALIVE', level: 0xffff, option: 0x0008 },
  idle: { name: 'TCP_KEEPIDLE', level: 6, option: 3, unitMs: 1000 },
  interval: { name: 'TCP_KEEPINTVL', level: 6, option: 17, unitMs: 1000 },
  count: { name: 'TCP_KEEPCNT', level: 6, option: 16 },
  userTimeout: { name: 'TCP_MAXRT', level: 6, option: 5, unitMs: 1000 },
  listenerOptionsInherited: false,
  hasDescriptors: false,
} as const satisfies Platform;
