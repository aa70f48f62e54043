import { SystemCallError, UnsupportedError } from '../../native/errors.js';
import type { OwnedDescriptor } from '../../native/owned-descriptor.js';
import { pause } from '../../native/pause.js';
import { readIntOption, type SocketOption, writeIntOption } from '../../native/socket/socket-options.js';
import { nowMs } from '../../node/real-time.js';
import { overrideMs, type ProbeDecision, probeDecision } from '../../policy/model/probe-safety.js';
import { readState } from '../../socket/options.js';
import { linux } from '../../socket/platforms/linux.js';
import { readTcpInfo } from '../../socket/tcp-info.js';
import { hasDataToSend, silentMsOf, type TcpInfo } from '../../wire/tcp-info/decode.js';
import { byProcess, Copies } from '../options/copies.js';
import type { SocketReference } from '../options/source.js';

/** Why a peer was not asked, and how to make asking possible. */
export interface Refusal {
  readonly why: string;
  readonly remedy: string;
}

/**
 * The result of one attempt. `'sent'`: the connection's own kernel sent a probe. `'not-needed'`: nothing was changed, because
 * the kernel asks on its own or the peer was heard just now.
 */
export type ForcedProbe = 'sent' | 'not-needed' | Refusal;

/** The idle time that makes the kernel probe, in seconds: the least that there is. */
const overrideSeconds = 1;

/** A peer that was heard within this time is not probed by the kernel. */
const recentMs = 1000;

/** How long the overrides of a batch may be written, and waited for; with what restoring takes, within overrideMs. */
const writingMs = overrideMs * 0.3;
const waitingMs = overrideMs * 0.8;

/** A kernel timer's tick is 1 to 10 ms long. */
const pollMs = 2;

const mostOpen = 400;

const copyRemedy = 'run as root';

/** Decides by the connection's present state. `idle` is the idle time to restore. */
function decide(fd: number, info: TcpInfo): { readonly decision: ProbeDecision | 'not-needed'; readonly idle: number } {
  const { interval: _, ...options } = readState(fd, linux);
  const { idle } = options;
  const silentMs = silentMsOf(info);
  if (info.state === 'CLOSE' || silentMs < recentMs || hasDataToSend(info)) return { decision: 'not-needed', idle };
  return { decision: probeDecision({ ...options, unanswered: info.probes, silentMs }), idle };
}

/** A connection whose TCP_KEEPIDLE reads 1 s at present. */
interface Override {
  readonly index: number;
  readonly copy: OwnedDescriptor;
  readonly ownSeconds: number;
  readonly before: TcpInfo;
}

/** Restores an option, unless somebody has set another value than the override meanwhile. */
export function restoreOption(fd: number, option: SocketOption, override: number, own: number): void {
  if (readIntOption(fd, option) === override) writeIntOption(fd, option, own);
}

function hasProbed({ copy, before }: Override): boolean {
  const now = readTcpInfo(copy.fd);
  return now.probes > before.probes || (now.segmentsOut ?? 0) > (before.segmentsOut ?? 0) || now.state === 'CLOSE';
}

/** The overrides that are in force, which all end within {@link overrideMs}, and the results of the attempts. */
class Batch {
  readonly #outcomes: ForcedProbe[];
  #overrides: Override[] = [];
  #startedAt = 0;

  constructor(outcomes: ForcedProbe[]) {
    this.#outcomes = outcomes;
  }

  get isEmpty(): boolean {
    return this.#overrides.length === 0;
  }

  get isFull(): boolean {
    return this.#overrides.length >= mostOpen || (!this.isEmpty && this.#elapsedMs >= writingMs);
  }

  get #elapsedMs(): number {
    return nowMs() - this.#startedAt;
  }

  /** Reads the connection and acts on the reading at once, so that no two askers can act on the same one. */
  add(index: number, copy: OwnedDescriptor): void {
    let isOpen = false;
    try {
      const before = readTcpInfo(copy.fd);
      const { decision, idle } = decide(copy.fd, before);
      const ownSeconds = idle / linux.idle.unitMs;
      if (decision === 'probe') {
        // Right before the write: what somebody sets between the two is lost.
        if (readIntOption(copy.fd, linux.idle) !== ownSeconds) return;
        writeIntOption(copy.fd, linux.idle, overrideSeconds);
        if (this.isEmpty) this.#startedAt = nowMs();
        this.#overrides.push({ index, copy, ownSeconds, before });
        isOpen = true;
      } else this.#outcomes[index] = decision === 'wait' ? 'not-needed' : decision;
    } finally {
      if (!isOpen) copy.close();
    }
  }

  /** Waits for the probes and restores each idle time as soon as its probe is out. */
  finish(): void {
    try {
      while (!this.isEmpty && this.#elapsedMs < waitingMs) {
        pause(pollMs);
        this.#overrides = this.#overrides.filter((override) => !this.#restoreIfSent(override));
      }
    } finally {
      for (const override of this.#overrides) this.#restore(override);
      this.#overrides = [];
    }
  }

  /** Restores the idle time if its probe is out; returns whether it was. */
  #restoreIfSent(override: Override): boolean {
    const isSent = hasProbed(override);
    if (!isSent) return false;
    this.#outcomes[override.index] = 'sent';
    this.#restore(override);
    return true;
  }

  #restore({ index, copy, ownSeconds }: Override): void {
    try {
      restoreOption(copy.fd, linux.idle, overrideSeconds, ownSeconds);
    } catch (error) {
      this.#outcomes[index] = refusalOf(error);
    } finally {
      copy.close();
    }
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof SystemCallError || error instanceof UnsupportedError) {
    return { why: error.message, remedy: copyRemedy };
  }
  throw error;
}

/**
 * Makes the kernel send one keepalive probe on each connection where an unanswered probe can do no harm. Sets TCP_KEEPIDLE
 * to 1 s and restores it within {@link overrideMs}. Changes no other option, and blocks the thread meanwhile.
 *
 * Needs copies of the descriptors: processes of the same user, or CAP_SYS_PTRACE; Linux 5.6.
 *
 * @returns the result for each connection, in the given order.
 * @see Linux net/ipv4/tcp.c, tcp_sock_set_keepidle_locked
 */
export function forceProbes(sockets: readonly SocketReference[]): ForcedProbe[] {
  const outcomes = new Array<ForcedProbe>(sockets.length).fill('not-needed');
  const batch = new Batch(outcomes);
  using copies = new Copies();
  const add = (index: number) => batch.add(index, copies.copy(sockets[index] as SocketReference));
  try {
    for (const index of byProcess(sockets)) {
      if (batch.isFull) batch.finish();
      try {
        add(index);
      } catch (error) {
        outcomes[index] = refusalOf(error);
        const isOutOfDescriptors = error instanceof SystemCallError && error.code === 'EMFILE';
        if (!isOutOfDescriptors || batch.isEmpty) continue;
        batch.finish();
        try {
          add(index);
        } catch (again) {
          outcomes[index] = refusalOf(again);
        }
      }
    }
  } finally {
    batch.finish();
  }
  return outcomes;
}
