export { getKeepAlive, setKeepAlive } from './keep-alive.js';
export { type KernelDefaults, kernelDefaults } from './kernel-defaults.js';
export type { AppliedKeepAlive, KeepAliveState } from './state.js';
export { descriptorOf, type KeepAliveTarget, resolveTarget, type SocketHolder } from './target.js';
export { readTcpInfo } from './tcp-info.js';
