import type net from 'node:net';
import { SystemCallError } from '../native/errors.js';
import { attachSocketFilter, detachSocketFilter } from '../native/socket/socket-filter.js';
import { descriptorOf } from '../node/handle.js';
import { clearTimer, setTimer, type Timer } from '../node/real-time.js';
import { describeValue } from '../policy/errors.js';
import { encodeClassicProgram, randomLossFilter } from '../wire/bpf/classic.js';
import { connectedDescriptor, restoreReception, setReception } from './reception.js';

/**
 * How packets are lost: `'filter'`, each packet by the kernel's random numbers (needs CAP_NET_ADMIN on newer kernels);
 * `'outages'`, everything during randomly chosen slots of time (needs nothing).
 */
export type LossMethod = 'filter' | 'outages';

export interface LossOptions {
  /** The share of arriving packets that is lost, from 0 to 1. */
  readonly loss: number;
  /** Asks for one method; by default `'filter'` where it is permitted, else `'outages'`. */
  readonly method?: LossMethod;
  /** The length of a slot of `'outages'` in milliseconds; default 50. Packets closer together share their fate. */
  readonly slotMs?: number;
}

/** A path that loses packets until it is restored. */
export interface LossyPath {
  /** The method in use. */
  readonly method: LossMethod;
  /** Lets every packet through again. Safe to call twice. */
  restore(): void;
  [Symbol.dispose](): void;
}

function validate({ loss, method, slotMs }: LossOptions): void {
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
 * Packets that it sends get through; apply it to both ends for a path that is bad both ways. It never keeps the
 * process alive.
 *
 * Linux. `'filter'` attaches a classic BPF program, for which newer kernels want CAP_NET_ADMIN; `'outages'` needs no
 * privileges and loses everything during random slots of time.
 *
 * @throws {RangeError} if the loss is not a number from 0 to 1.
 * @throws {SystemCallError} EBADF or ENOTCONN when the socket is destroyed or not connected; EPERM when `'filter'` is
 * asked for and not permitted.
 * @throws {UnsupportedError} on other platforms.
 */
export function lossyPath(socket: net.Socket, options: LossOptions): LossyPath {
  validate(options);
  const [method, stop] = lose(socket, options);
  let isLossy = true;
  const restore = () => {
    if (isLossy) stop();
    isLossy = false;
  };
  return { method, restore, [Symbol.dispose]: restore };
}
