import { spokenDuration } from '../duration.js';
import { type Dialect, kernelsOwn, type NumberField, type Numbers } from './dialect.js';

/** Linux's defaults where no sysctl has been changed (include/net/tcp.h). */
const linuxDefaults = { idle: 7_200_000, interval: 75_000, count: 9 } as const;

/** A number that the text does not say. */
interface UnsaidNumber {
  readonly field: keyof Dialect['unsaid'];
  readonly isKernels: boolean;
  readonly why: string;
}

/** What a system does with the numbers that a text says. */
interface InForce {
  readonly numbers: Numbers;
  readonly unsaid: readonly UnsaidNumber[];
}

/** Returns the fields that the words of a dialect can be written for. */
export function sayableFields({ words }: Dialect): Set<string> {
  return new Set(words.flatMap(({ says, isReadOnly }) => (isReadOnly ? [] : Object.keys(says))));
}

/**
 * Returns the numbers that apply if a text says some of them, and leaves some to the kernel: with the system's own, and with
 * Linux's defaults.
 */
export function inForce({ unsaid }: Dialect, said: Partial<Numbers>, left: readonly NumberField[] = []): InForce {
  const missing: UnsaidNumber[] = [];
  const numberOf = (field: keyof Dialect['unsaid']): number => {
    const number = said[field];
    if (number !== undefined) return number;
    const { value, why } = left.includes(field) ? kernelsOwn[field] : unsaid[field];
    const own = value(said);
    const isOwn = typeof own === 'number';
    missing.push({ field, isKernels: !isOwn, why });
    return isOwn ? own : linuxDefaults[field];
  };
  const numbers = { idle: numberOf('idle'), interval: numberOf('interval'), count: numberOf('count') };
  const { userTimeout } = said;
  return { numbers: userTimeout === undefined ? numbers : { ...numbers, userTimeout }, unsaid: missing };
}

const spokenNames: Readonly<Record<NumberField, string>> = {
  idle: 'idle',
  interval: 'interval',
  count: 'count',
  userTimeout: 'user timeout',
};

/** Returns a number of a policy for a sentence: `interval 5 s`. */
export function spokenNumber(field: NumberField, value: number): string {
  return `${spokenNames[field]} ${spokenValue(field, value)}`;
}

/** Returns the value of a number for a sentence: `5 s`. */
export function spokenValue(field: NumberField, value: number): string {
  return field === 'count' ? String(value) : spokenDuration(value);
}
