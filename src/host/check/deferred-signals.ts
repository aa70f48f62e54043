import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** Signals without an effect on a process that does not handle them, and those that cannot be handled. */
const harmless = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGKILL', 'SIGSTOP']);

/** Node.js itself handles these signals: it restores the terminal, then ends the process. */
const handledByNode = new Set(['SIGINT', 'SIGTERM']);

/** The signals that would end or stop this process at once: those that are neither ignored nor handled. */
function fatalSignals(): NodeJS.Signals[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const mask = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  const [ignored, caught] = [mask('SigIgn'), mask('SigCgt')];
  const isIn = (signals: bigint, number: number) => (signals & (1n << BigInt(number - 1))) !== 0n;
  return (Object.entries(constants.signals) as [NodeJS.Signals, number][])
    .filter(([name, number]) => {
      if (harmless.has(name) || isIn(ignored, number)) return false;
      return handledByNode.has(name) ? process.listenerCount(name) === 0 : !isIn(caught, number);
    })
    .map(([name]) => name);
}

/** Waits until the event loop has delivered earlier signals: poll, then check, twice, because polling may have begun. */
async function heardSignals(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const listeners = new Map<NodeJS.Signals, () => void>();
let holders = 0;

function listen(signal: NodeJS.Signals): void {
  const listener = () => deliver(signal);
  try {
    // First, so that later listeners run without this one.
    process.prependListener(signal, listener);
    listeners.set(signal, listener);
  } catch {
    // A signal that cannot be handled here keeps its effect.
  }
}

function release(signal: NodeJS.Signals): void {
  const listener = listeners.get(signal);
  listeners.delete(signal);
  if (listener !== undefined) process.off(signal, listener);
}

/** Gives a signal its usual effect, unless the program listens for it by now. A stopped process continues here. */
function deliver(signal: NodeJS.Signals): void {
  release(signal);
  if (process.listenerCount(signal) > 0) return;
  process.kill(process.pid, signal);
  listen(signal);
}

/**
 * Defers signals that would end or stop this process to the next turn of the event loop, so that they do not come in
 * the middle of a synchronous change to other processes' sockets. Each then has its usual effect. Signals that a
 * program handles or ignores are left to the program, also where it begins to listen meanwhile.
 */
export class DeferredSignals implements AsyncDisposable {
  constructor() {
    if (holders === 0) for (const signal of fatalSignals()) listen(signal);
    holders += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await heardSignals();
    holders -= 1;
    if (holders === 0) for (const signal of [...listeners.keys()]) release(signal);
  }
}
