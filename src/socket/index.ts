export { setOnHandle, setOnNewHandle } from './connection.js';
export { explicitPolicy } from './explicit-policy.js';
export { getKeepAlive, setKeepAlive } from './keep-alive.js';
export { type KernelDefaults, kernelDefaults } from './kernel-defaults.js';
export { type PeerProbe, type ProbeOptions, probePeer } from './probe-peer.js';
export { listenersPassOptionsOn } from './server.js';
export type { AppliedKeepAlive, KeepAliveAnswer, KeepAliveState } from './state.js';
export { descriptorOf, type KeepAliveTarget, resolveTarget, type SocketHolder } from './target.js';
export { readTcpInfo } from './tcp-info.js';
