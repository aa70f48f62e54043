const heldBack = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const holders = new Set<HeldSignals>();
let pending: NodeJS.Signals | undefined;

function keep(signal: NodeJS.Signals): void {
  pending ??= signal;
}

/** Whether a program has listeners of its own for a signal, which then decide what it does. */
function isHandled(signal: NodeJS.Signals): boolean {
  return process.listenerCount(signal) > 0;
}

/**
 * Holds back the signals that would end this process while it has changed what it still has to put back. They have
 * their effect when the last holder is disposed of.
 */
export class HeldSignals implements Disposable {
  constructor() {
    if (holders.size === 0) for (const signal of heldBack) process.on(signal, keep);
    holders.add(this);
  }

  /** Whether one has come, so that it is time to come to an end. */
  get isAskedToStop(): boolean {
    return pending !== undefined;
  }

  [Symbol.dispose](): void {
    holders.delete(this);
    if (holders.size > 0) return;
    for (const signal of heldBack) process.off(signal, keep);
    const signal = pending;
    pending = undefined;
    if (signal !== undefined && !isHandled(signal)) process.kill(process.pid, signal);
  }
}
