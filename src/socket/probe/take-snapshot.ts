import { UnsupportedError } from '../../native/errors.js';
import { type OptionReader, optionReader } from '../../native/socket/socket-options.js';
import { decodeSnapshot, type Snapshot } from '../../peer/snapshot.js';
import { tcpInfoLength } from '../../wire/tcp-info/decode.js';
import { currentPlatform } from '../platforms/index.js';

let reader: OptionReader | undefined;

/** Returns undefined on platforms without TCP_INFO. */
function tcpInfoReader(): OptionReader | undefined {
  const { tcpInfo } = currentPlatform();
  if (tcpInfo === undefined) return undefined;
  reader ??= optionReader(tcpInfo, tcpInfoLength);
  return reader;
}

/**
 * Throws if no snapshot can be taken.
 *
 * @throws {UnsupportedError} on other platforms than Linux, and if the FFI cannot be loaded.
 */
export function assertSnapshots(feature: string): void {
  if (tcpInfoReader() === undefined) throw new UnsupportedError(feature, 'Linux');
}

/**
 * Takes a snapshot of a connection. Returns undefined if its descriptor is closed or no TCP socket, and on platforms
 * without TCP_INFO.
 *
 * @throws {UnsupportedError} if the FFI cannot be loaded.
 */
export function takeSnapshot(fd: number): Snapshot | undefined {
  const info = tcpInfoReader();
  return info && decodeSnapshot(info.view, info.read(fd));
}
