import { UnsupportedError } from '../native/errors.js';
import { type OptionReader, optionReader } from '../native/socket/socket-options.js';
import { decodeSnapshot, type Snapshot } from '../peer/snapshot.js';
import { tcpInfoLength } from '../wire/tcp-info/decode.js';
import { currentPlatform } from './platforms/index.js';

let reader: OptionReader | undefined;

function tcpInfoReader(): OptionReader {
  const { tcpInfo } = currentPlatform();
  if (tcpInfo === undefined) throw new UnsupportedError('watching peers', 'Linux');
  reader ??= optionReader(tcpInfo, tcpInfoLength);
  return reader;
}

/**
 * Throws if no connection can be looked at.
 *
 * @throws {UnsupportedError} on other platforms than Linux, and if the FFI cannot be loaded.
 */
export function assertWatchable(): void {
  tcpInfoReader();
}

/**
 * Takes a snapshot of a connection. Returns undefined if its descriptor is closed or no TCP socket.
 *
 * @throws {UnsupportedError} on other platforms than Linux, and if the FFI cannot be loaded.
 */
export function takeSnapshot(fd: number): Snapshot | undefined {
  const { view, read } = tcpInfoReader();
  return decodeSnapshot(view, read(fd));
}
