export { SystemCallError, UnsupportedError } from '../native/errors.js';
export { ConfigurationError } from '../policy/configuration-error.js';
export { KeepAliveError } from '../policy/keep-alive-error.js';
export { type CrashedPeer, crashPeer } from './crash-peer.js';
export { type LoopbackOptions, type LoopbackPair, loopbackPair } from './loopback-pair.js';
export { type LossMethod, type LossOptions, type LossyPath, lossyPath } from './lossy-path.js';
