import { didYouMean } from './closest-name.js';
import { describeValue, PolicyError } from './errors.js';
import { settingFields, stateFields } from './settings.js';

type Field = (typeof stateFields)[number];

/** Names of the fields in Node.js, drivers, kernels and other libraries, without the prefixes `tcp`, `keepalive` and units. */
const otherWords: Readonly<Record<Field, readonly string[]>> = {
  enabled: ['keepalive', 'enable', 'on', 'active'],
  idle: ['time', 'delay', 'initialdelay', 'idletime', 'idledelay', 'keepidle'],
  interval: ['intvl', 'keepintvl', 'probeinterval', 'retryinterval', 'period'],
  count: ['cnt', 'keepcnt', 'probes', 'probecount', 'maxprobes', 'retries', 'maxretries'],
  userTimeout: ['timeout', 'usertimeout'],
  rtoMax: ['maxrto', 'rtomax'],
};

/** Fields that states returned by `setKeepAlive` and `getKeepAlive` have besides. */
const stateNotes: readonly string[] = ['status', 'readBack', 'deferred', 'connections'];

/** Returns the field for which others have a name such as `keepAliveInitialDelay` or `TCP_KEEPIDLE`. */
function fieldCalled(name: string): Field | undefined {
  const word = name
    .toLowerCase()
    .replace(/[_-]/g, '')
    .replace(/^tcp/, '')
    .replace(/^keepalive(?=.)/, '')
    .replace(/(?:ms|msecs|millis|milliseconds|secs|seconds)$/, '');
  return stateFields.find((field) => word === field || otherWords[field].includes(word));
}

function hintFor(name: string): string | undefined {
  const field = fieldCalled(name);
  if (field === undefined) return didYouMean(name, stateFields);
  const isSameWord = field.toLowerCase() === name.toLowerCase();
  return isSameWord ? `did you mean "${field}"?` : `it is called '${field}' here`;
}

const fieldNames = `${settingFields.slice(0, -1).join(', ')} and ${settingFields.at(-1)}`;

/** The allowed forms of a policy, for errors. */
export const policyAllowed = `policy text such as '30:5:3:auto' or an object of ${fieldNames}`;

/**
 * Refuses fields that no policy has. The error says what each of them is called here.
 *
 * @param isState Whether the policy says if keepalive is on, and may have the notes of a state.
 * @throws {PolicyError} if there are any.
 */
export function refuseUnknownFields(policy: object, names: readonly string[], isState: boolean): void {
  const known: readonly string[] = [...stateFields, ...(isState ? stateNotes : [])];
  const unknown = names.filter((name) => !known.includes(name));
  const [first, ...others] = unknown;
  if (first === undefined) return;
  const isOne = others.length === 0;
  const hints = unknown.slice(0, 5).flatMap((name) => {
    const hint = hintFor(name);
    if (hint === undefined) return [];
    return isOne ? hint : `${describeValue(name)}: ${hint}`;
  });
  const shown = isOne
    ? `a field ${describeValue(first)}`
    : `fields ${unknown.slice(0, 5).map(describeValue).join(', ')}`;
  throw new PolicyError(
    'policy',
    policy,
    `made of ${fieldNames}`,
    hints.length === 0 ? undefined : hints.join(', '),
    shown,
  );
}
