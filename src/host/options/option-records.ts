import type { KeepAliveState } from '../../policy/settings.js';
import { layoutOf, type OptionWrite, stateFrom } from '../../socket/option-writes.js';
import { linux } from '../../socket/platforms/linux.js';

const layout = layoutOf(linux);

/** The options that the kernel has, in the order in which a live socket must get them (see src/socket/option-writes.ts). */
export const optionOrder = layout.options;

/** Words of 32 bits that the values take. */
export const valuesLength = optionOrder.length;

/** In place of a value: this option is left alone. No option takes a negative value. */
export const leaveAlone = -1;

/** Returns the state that values, in the kernel's units and in {@link optionOrder}, stand for. */
export function stateAt(words: Int32Array, at: number): KeepAliveState {
  return stateFrom(layout, (index) => words[at + index] as number);
}

/** Writes the values that a list of writes comes to. */
export function putWrites(list: readonly OptionWrite[], words: Int32Array, at: number): void {
  words.fill(leaveAlone, at, at + valuesLength);
  for (const { field, value } of list) words[at + layout.fields.indexOf(field)] = value;
}
