import type { OptionWrite } from '../../socket/option-writes.js';
import { linux } from '../../socket/platforms/linux.js';
import type { KeepAliveState } from '../../socket/state.js';

/** The five options, in the order in which a live socket must get them (see src/socket/option-writes.ts). */
export const optionOrder = [linux.interval, linux.count, linux.userTimeout, linux.keepAlive, linux.idle] as const;

/** Words of 32 bits that five values take. */
export const valuesLength = optionOrder.length;

/** In place of a value: this option is left alone. No option takes a negative value. */
export const leaveAlone = -1;

/** The state that five values, in the kernel's units and in {@link optionOrder}, stand for. */
export function stateAt(words: Int32Array, at: number): KeepAliveState {
  return {
    enabled: words[at + 3] !== 0,
    idle: (words[at + 4] as number) * linux.idle.unitMs,
    interval: (words[at] as number) * linux.interval.unitMs,
    count: words[at + 1] as number,
    userTimeout: words[at + 2] as number,
  };
}

/** Writes the five values that a list of writes comes to. */
export function putWrites(list: readonly OptionWrite[], words: Int32Array, at: number): void {
  words.fill(leaveAlone, at, at + valuesLength);
  for (const { option, value } of list) {
    words[at + optionOrder.findIndex((ordered) => ordered.option === option.option)] = value;
  }
}
