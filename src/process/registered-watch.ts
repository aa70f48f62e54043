import { debuglog } from 'node:util';
import { UnsupportedError } from '../native/errors.js';
import { requireFromPackage } from '../native/package-files.js';
import { guarded } from '../node/guarded.js';
import { hostOf } from '../node/tcp-handle.js';
import { spokenDuration } from '../policy/duration.js';
import type { WatchSettings } from './apply/configuration.js';
import { connectionName } from './connection-name.js';
import type { WatchStatus } from './watch/ending/watch-status.js';
import type { PeerEvent } from './watch/events.js';
import type { PeerWatch } from './watch/peer-watch.js';
import type { PeerWatchOptions } from './watch/watch-peers.js';

const debug = debuglog('tcp-keepalive');

/** Loads the watch only for programs that want one. Loads it synchronously: a connection opened meanwhile would be missed. */
function loadWatchPeers(): (options: PeerWatchOptions) => PeerWatch {
  try {
    type Exports = { readonly watchPeers: (options: PeerWatchOptions) => PeerWatch };
    return (requireFromPackage('tcp-keepalive') as Exports).watchPeers;
  } catch (cause) {
    const requires = 'the package tcp-keepalive, installed beside the program if a bundler copied it into the program';
    throw new UnsupportedError('watching peers under register', requires, cause);
  }
}

function eventText(event: PeerEvent): string {
  const { type, socket, local, remote, unanswered, silentMs } = event;
  const reason = type === 'dead' ? ` (${event.reason ?? 'unknown reason'})` : '';
  const silence = silentMs === undefined ? '' : `, silent for ${(silentMs / 1000).toFixed(1)} s`;
  const name = connectionName({ host: hostOf(socket), remote, local });
  return `peer ${type}${reason}: ${name}, ${unanswered} unanswered${silence}`;
}

/** Returns the status of a watch as a line of text. */
function watchText({ watched, suspect, stalled, closed, deaths }: WatchStatus): string {
  const reasons = Object.entries(deaths).filter(([, count]) => count > 0);
  const dead = reasons.reduce((sum, [, count]) => sum + count, 0);
  const byReason = dead === 0 ? '' : ` (${reasons.map(([reason, count]) => `${count} ${reason}`).join(', ')})`;
  return `peers: ${watched} watched, ${suspect} suspect, ${stalled} stalled, ${closed} closed, ${dead} dead${byReason}`;
}

/**
 * Watches the peer of each connection that this thread opens from now on. Returns a function that ends the watch.
 *
 * @throws {UnsupportedError} on other platforms than Linux, and if the FFI cannot be loaded.
 */
export function startRegisteredWatch(
  { deadAfterMs, destroy }: WatchSettings,
  summarySignal: NodeJS.Signals | undefined,
): () => void {
  const watch = loadWatchPeers()({ all: true, deadAfter: deadAfterMs, destroy });
  debug('peers are dead after %s, destroy %s', spokenDuration(deadAfterMs), destroy);
  const summarize = () => void guarded(() => process.stderr.write(`tcp-keepalive: ${watchText(watch.status())}\n`));
  const onExit = () => void guarded(() => debug('%s', watchText(watch.status())));
  if (summarySignal !== undefined) process.on(summarySignal, summarize);
  if (debug.enabled) {
    process.on('exit', onExit);
    const told = (event: PeerEvent) => void guarded(() => debug('%s', eventText(event)));
    watch.on('suspect', told).on('recovered', told).on('stalled', told).on('closed', told).on('dead', told);
  }
  return () => {
    watch.close();
    process.off('exit', onExit);
    if (summarySignal !== undefined) process.off(summarySignal, summarize);
  };
}
