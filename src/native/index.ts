export { SystemCallError, UnsupportedError } from './errors.js';
export { whyNoLibc } from './libc.js';
export { unacknowledgedBytes } from './send-queue.js';
export { attachSocketFilter, detachSocketFilter } from './socket-filter.js';
export {
  type OptionReader,
  optionReader,
  readBytesOption,
  readIntOption,
  readIntOptions,
  SO_COOKIE,
  type SocketOption,
  writeIntOption,
  writeIntOptions,
} from './socket-options.js';
