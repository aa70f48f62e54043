export { SystemCallError, UnsupportedError } from './errors.js';
export { whyNoLibc } from './libc.js';
export { unacknowledgedBytes } from './send-queue.js';
export { attachSocketFilter, detachSocketFilter } from './socket-filter.js';
export {
  type OptionReader,
  optionReader,
  readBytesOption,
  readIntOption,
  type SocketOption,
  writeIntOption,
} from './socket-options.js';
