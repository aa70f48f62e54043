import type net from 'node:net';
import { SystemCallError } from '../native/errors.js';
import { attachSocketFilter, detachSocketFilter } from '../native/socket/socket-filter.js';
import { descriptorOf } from '../node/handle.js';
import { clearTimer, setTimer, type Timer } from '../node/real-time.js';
import { assertKnownOptions } from '../policy/configuration-error.js';
import { describeValue } from '../policy/errors.js';
import { encodeClassicProgram, randomLossFilter } from '../wire/bpf/classic.js';
import { connectedDescriptor, restoreReception, setReception } from './reception.js';

/**
 * The way to lose packets. `'filter'` loses each packet by the kernel's random numbers (needs CAP_NET_ADMIN on newer
 * kernels). `'outages'` loses all packets during random slots of time (needs no privileges).
 */
export type LossMethod = 'filter' | 'outages';

/** Options of {@link lossyPath}. */
export interface LossOptions {
  /** The share of arriving packets that is lost, from 0 to 1. */
  readonly loss: number;
  /** The method. Default: `'filter'` if permitted, otherwise `'outages'`. */
  readonly method?: LossMethod;
  /**
   * The length of a slot of `'outages'`, in milliseconds. Packets within one slot are lost or arrive together.
   *
   * @default 50
   */
  readonly slotMs?: number;
}

/** A path that loses packets until it is closed. */
export interface LossyPath {
  /** The method in use. */
  readonly method: LossMethod;
  /** Lets every packet through again. Does nothing the second time. */
  close(): void;
  /** Calls `close`. */
  [Symbol.dispose](): void;
}

function validate(options: LossOptions): void {
  assertKnownOptions('lossyPath', options, ['loss', 'method', 'slotMs']);
  const { loss, method, slotMs } = options;
  if (!(typeof loss === 'number' && loss >= 0 && loss <= 1)) {
    throw new RangeError(`loss must be a number from 0 to 1, got ${describeValue(loss)}`);
  }
  if (method !== undefined && method !== 'filter' && method !== 'outages') {
    throw new RangeError(`method must be 'filter' or 'outages', got ${describeValue(method)}`);
  }
  if (slotMs !== undefined && !(Number.isFinite(slotMs) && slotMs >= 1)) {
    throw new RangeError(`slotMs must be a number of at least 1, got ${describeValue(slotMs)}`);
  }
}

function loseByFilter(socket: net.Socket, loss: number): () => void {
  attachSocketFilter(connectedDescriptor(socket), encodeClassicProgram(randomLossFilter(loss)));
  return () => {
    const fd = descriptorOf(socket);
    if (!socket.destroyed && fd !== undefined) detachSocketFilter(fd);
  };
}

function loseByOutages(socket: net.Socket, loss: number, slotMs: number): () => void {
  let timer: Timer | undefined;
  const drawSlot = () => {
    setReception(socket, Math.random() < loss ? 'drop' : 'accept');
    timer = setTimer(drawNext, slotMs);
  };
  const drawNext = () => {
    if (!socket.destroyed) drawSlot();
  };
  drawSlot();
  return () => {
    clearTimer(timer);
    restoreReception(socket);
  };
}

function lose(socket: net.Socket, { loss, method, slotMs = 50 }: LossOptions): [LossMethod, () => void] {
  if (method === 'outages') return ['outages', loseByOutages(socket, loss, slotMs)];
  try {
    return ['filter', loseByFilter(socket, loss)];
  } catch (error) {
    if (method === 'filter' || !(error instanceof SystemCallError && error.code === 'EPERM')) throw error;
    return ['outages', loseByOutages(socket, loss, slotMs)];
  }
}

/**
 * Makes the path towards `socket` lose packets at random: data, acknowledgements and probes that arrive for it.
 *
 * Packets that `socket` sends get through: call `lossyPath` for both ends to lose packets both ways. A lossy path does not
 * keep the process alive.
 *
 * Linux. `'filter'` attaches a classic BPF program (CAP_NET_ADMIN on newer kernels). `'outages'` needs no privileges and sets
 * IP_MINTTL: do not use `crashPeer` on the same socket.
 *
 * @example
 * using path = lossyPath(client, { loss: 0.3 });
 *
 * @throws {ConfigurationError} if an option has an unknown name.
 * @throws {RangeError} if an option has a wrong value.
 * @throws {SystemCallError} EBADF or ENOTCONN if the socket is destroyed or not connected; EPERM if `'filter'` is requested
 * and not permitted.
 * @throws {UnsupportedError} on other platforms.
 */
export function lossyPath(socket: net.Socket, options: LossOptions): LossyPath {
  validate(options);
  const [method, stop] = lose(socket, options);
  let isLossy = true;
  const close = () => {
    if (isLossy) stop();
    isLossy = false;
  };
  return { method, close, [Symbol.dispose]: close };
}
