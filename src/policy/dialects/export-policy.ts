import { spokenDuration } from '../duration.js';
import { formatPolicy } from '../format.js';
import { detectionTime } from '../model/detection-time.js';
import { readCompletePolicy } from '../parse.js';
import type { PolicyInput } from '../policy.js';
import { validatePolicy } from '../validate.js';
import type { Dialect, NumberField, Numbers, Texts } from './dialect.js';
import { DialectError } from './dialect-error.js';
import { dialectNamed } from './dialects.js';
import { inForce, sayableFields, spokenNumber, spokenValue } from './in-force.js';

/** A policy in the words of another system. */
export interface ExportedPolicy {
  /** The name of the system, such as `'nginx'`. */
  readonly dialect: string;
  /** The policy that was asked for, as text, or `'off'`. */
  readonly policy: string;
  /** The system's configuration, in lines that end with a newline. */
  readonly text: string;
  /** Where the text goes. */
  readonly place: string;
  /** The policy that the system then follows, or `'off'`. Differs from `policy` if a number cannot be said. */
  readonly inForce: string;
  /** What cannot be said, what applies instead, and what else there is to know about the system. */
  readonly notes: readonly string[];
}

const numberFields = ['idle', 'interval', 'count', 'userTimeout'] as const;

/** Returns the numbers that the words of a dialect say for a policy. */
function saidOf(dialect: Dialect, policy: Numbers): Partial<Numbers> {
  const sayable = sayableFields(dialect);
  const fitted = dialect.fit?.numbers(policy) ?? policy;
  const said = numberFields.filter((field) => sayable.has(field) && fitted[field] !== undefined);
  return Object.fromEntries(said.map((field) => [field, fitted[field]]));
}

/** Returns the text of each number, in the unit of the first word that can be written for the number. */
function textsOf({ words }: Dialect, said: Partial<Numbers>): Texts {
  const textOf = (field: NumberField) => {
    const unit = words.find(({ says, isReadOnly }) => !isReadOnly && says[field] !== undefined)?.says[field];
    const value = said[field];
    return unit === undefined || value === undefined ? undefined : unit.write(value);
  };
  return Object.fromEntries(numberFields.map((field) => [field, textOf(field)])) as Texts;
}

/** Returns when a quiet peer that vanishes is noticed, without the lateness of timers. */
const noticedAfter = (numbers: Numbers) => detectionTime(numbers, 'idle', { hz: 1000 }).earliestMs;

/** Returns what a dialect cannot say of a policy, and what then applies. */
function lossesOf(dialect: Dialect, policy: Numbers, said: Partial<Numbers>): string[] {
  const { numbers, unsaid } = inForce(dialect, said);
  const notes: string[] = [];
  for (const field of ['idle', 'interval', 'count'] as const) {
    if (numbers[field] === policy[field]) continue;
    const missing = unsaid.find((each) => each.field === field);
    const why = missing?.why ?? dialect.fit?.why;
    const spoken = field === 'count' ? spokenNumber : spokenValue;
    const then = `${spoken(field, numbers[field])}${missing?.isKernels ? ' unless a sysctl says otherwise' : ''}`;
    notes.push(`${spokenNumber(field, policy[field])} cannot be said: ${why}: ${then}`);
  }
  const { userTimeout } = policy;
  if (userTimeout && numbers.userTimeout === undefined) {
    const { noUserTimeout: reason } = dialect;
    const why = typeof reason === 'function' ? reason(formatPolicy(policy)) : reason;
    notes.push(`${spokenNumber('userTimeout', userTimeout)} cannot be said: ${why}`);
  }
  const { userTimeout: _, ...withoutTimeout } = policy;
  const wanted = Math.round(noticedAfter(numbers.userTimeout === undefined ? withoutTimeout : policy));
  const found = Math.round(noticedAfter(numbers));
  if (found !== wanted)
    notes.push(`a quiet peer that vanishes is noticed after ${spokenDuration(found)}, not ${spokenDuration(wanted)}`);
  return notes;
}

/** Returns the note about a peer that does not read, if the text sets a user timeout (tcp_probe_timer() of Linux). */
function readingNotes({ userTimeout }: Partial<Numbers>): string[] {
  if (!userTimeout) return [];
  return [
    `the user timeout also ends a connection whose peer is alive, but does not read for ${spokenDuration(userTimeout)}`,
  ];
}

/** Returns the notes about what no source confirms. */
function unsureNotes({ unsure = [] }: Dialect): string[] {
  return unsure.map((fact) => `unsure: ${fact}`);
}

function exportOff(to: Dialect): ExportedPolicy {
  const { name, off, place, notes } = to;
  if ('never' in off) {
    throw new DialectError(name, `${name} cannot turn keepalive off: ${off.never}`, {
      allowed: 'a policy such as 30:5:3',
    });
  }
  return { dialect: name, policy: 'off', text: off.text, place, inForce: 'off', notes: [...notes, ...unsureNotes(to)] };
}

/**
 * Writes a policy in the words of another system: a server, a driver, a language, an init system. Changes nothing.
 *
 * A number that the system has no word for is left out. `notes` says which number that is and what applies instead, and
 * `inForce` is the resulting policy. Linux's own defaults stand there for numbers that the system leaves to the kernel.
 *
 * @param policy A policy with idle, interval and count; `false` or `'off'` for keepalive off.
 * @param dialect The name of the system, one of `dialectNames`.
 *
 * @example
 * exportPolicy('30:5:3', 'nginx').text; // 'listen 80 so_keepalive=30:5:3;\n'
 * @throws {PolicyError} if the policy is not valid, or idle, interval or count is missing.
 * @throws {DialectError} if there is no such system, or if it cannot turn keepalive off.
 */
export function exportPolicy(policy: PolicyInput | false, dialect: string): ExportedPolicy {
  const to = dialectNamed(dialect);
  const isText = typeof policy === 'string';
  if (policy === false || policy === 'off' || (!isText && validatePolicy(policy).enabled === false))
    return exportOff(to);
  const { rtoMax, ...numbers } = readCompletePolicy(policy);
  const said = saidOf(to, numbers);
  const notes = lossesOf(to, numbers, said);
  if (rtoMax !== undefined)
    notes.push(`rtoMax ${spokenDuration(rtoMax)} cannot be said: no system here has a word for it`);
  return {
    dialect: to.name,
    policy: formatPolicy(numbers),
    text: to.write(textsOf(to, said)),
    place: to.place,
    inForce: formatPolicy(inForce(to, said).numbers),
    notes: [...notes, ...readingNotes(said), ...to.notes, ...unsureNotes(to)],
  };
}
