export { SystemCallError, UnsupportedError } from './errors.js';
export { whyNoLibc } from './libc.js';
export { attachSocketFilter, detachSocketFilter } from './socket-filter.js';
export {
  readBytesOption,
  readIntOption,
  type SocketOption,
  writeIntOption,
} from './socket-options.js';
