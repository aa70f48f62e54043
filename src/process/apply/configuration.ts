import path from 'node:path';
import { closestName } from '../../policy/closest-name.js';
import { assertKnownNames, ConfigurationError } from '../../policy/configuration-error.js';
import { readDuration, readMilliseconds } from '../../policy/duration.js';
import { describeValue } from '../../policy/errors.js';
import type { PolicyInput } from '../../policy/policy.js';
import { millisecondsMeant, secondsMeant } from '../../policy/unit-slip.js';
import { leastDeadAfterMs } from '../watch/dead-after.js';
import type { ProcessOptions } from './apply-to-process.js';
import { type Content, type Field, fields, readConfigurationFile } from './configuration-file.js';

/** What a process is to be given, and where that stands. */
export interface Configuration {
  readonly policy: PolicyInput | 'unmanaged' | boolean;
  readonly options: ProcessOptions;
  /**
   * Reads the settings of the watch; undefined if no peers are watched. The policy can be in force without them.
   *
   * @throws {ConfigurationError} if `deadAfter` or `destroy` is wrong, or if `destroy` stands alone.
   */
  readonly watch: () => WatchSettings | undefined;
  readonly sourceOf: (field: Field | keyof ProcessOptions) => string;
}

/** When `register` declares a peer dead, and whether it destroys the socket. */
export interface WatchSettings {
  readonly deadAfterMs: number;
  readonly destroy: boolean;
}

/** A configuration without a policy, which is not marked as intended. */
export interface NoPolicy {
  /** The places where a policy was looked for, and the findings. */
  readonly lookedFor: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The file that is read if it lies in the working directory. */
export const configurationFile = 'tcp-keepalive.json';

/** The variable for each field. A variable comes before the file. */
const variables = {
  policy: 'TCP_KEEPALIVE',
  mode: 'TCP_KEEPALIVE_MODE',
  rules: 'TCP_KEEPALIVE_RULES',
  summarySignal: 'TCP_KEEPALIVE_SUMMARY_SIGNAL',
  native: 'TCP_KEEPALIVE_NATIVE',
  deadAfter: 'TCP_KEEPALIVE_DEAD_AFTER',
  destroy: 'TCP_KEEPALIVE_DESTROY',
} as const satisfies Record<Field, string>;

const knownVariables = [...Object.values(variables), 'TCP_KEEPALIVE_CONFIG', 'TCP_KEEPALIVE_ON_ERROR'];

function checkVariables(environment: Environment): void {
  const names = Object.keys(environment).filter((name) => name.startsWith('TCP_KEEPALIVE_'));
  assertKnownNames('the environment', 'variable', names, knownVariables);
  const { TCP_KEEPALIVE_ON_ERROR: onError } = environment;
  if (!onError || onError === 'exit' || onError === 'warn') return;
  throw new ConfigurationError('TCP_KEEPALIVE_ON_ERROR', '', onError, "'exit' or 'warn'");
}

function parseRules(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const allowed = `a list of rules as JSON (${(error as Error).message})`;
    throw new ConfigurationError(variables.rules, '', text, allowed, error);
  }
}

function parseSwitch(text: string): unknown {
  return text === 'on' || text === 'off' ? text === 'on' : text;
}

/** Parsers of a variable's text, which return the value that the file would have. Default: the text itself. */
const parsers: { readonly [field in Field]?: (text: string) => unknown } = {
  rules: parseRules,
  native: parseSwitch,
  destroy: parseSwitch,
};

/** What the environment says. */
function contentOf(environment: Environment): Content {
  const content: { [field in Field]?: unknown } = {};
  for (const field of fields) {
    const text = environment[variables[field]];
    if (!text) continue;
    content[field] = parsers[field]?.(text) ?? text;
  }
  return content;
}

function isGiven({ policy, rules }: Content): boolean {
  return policy !== undefined || rules !== undefined;
}

/** Returns the variables whose names are misspellings of the policy's. */
function misspelt(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => name !== variables.policy && closestName(name.toUpperCase(), [variables.policy]) !== undefined)
    .map((name) => `${name} is set: did you mean ${variables.policy}?`);
}

/** A file and its content; no content if the file is not read. */
interface FromFile {
  readonly file: string;
  readonly content: Content;
  readonly said: string;
}

/** Reads the file that the environment names, or else the one in the working directory. */
function readFile(environment: Environment, folder: string | undefined): FromFile {
  const { TCP_KEEPALIVE_CONFIG: named } = environment;
  if (named) {
    if (folder === undefined && !path.isAbsolute(named)) {
      const allowed = 'an absolute path where the working directory cannot be read';
      throw new ConfigurationError('TCP_KEEPALIVE_CONFIG', '', named, allowed);
    }
    const file = path.resolve(folder ?? path.parse(named).root, named);
    return { file, content: readConfigurationFile(file, 'named') as Content, said: 'has neither policy nor rules' };
  }
  if (folder === undefined) {
    return { file: configurationFile, content: {}, said: 'was not looked for: the working directory cannot be read' };
  }
  const file = path.join(folder, configurationFile);
  const content = readConfigurationFile(file, 'by chance');
  if (!('whyNot' in content)) return { file, content, said: 'has neither policy nor rules' };
  return { file, content: {}, said: content.whyNot };
}

/**
 * Reads the configuration of a process: the environment, then the file that `TCP_KEEPALIVE_CONFIG` names. Reads
 * `tcp-keepalive.json` in the working directory only if the environment has neither a policy nor rules and names no file:
 * a file that is there by chance must not change a policy of the environment.
 *
 * @param folder The working directory; undefined if it cannot be read.
 * @throws {ConfigurationError} if a variable or file is wrong.
 */
export function readConfiguration(environment: Environment, folder: string | undefined): Configuration | NoPolicy {
  const text = environment[variables.policy];
  checkVariables(environment);
  const fromEnvironment = contentOf(environment);
  const isComplete = isGiven(fromEnvironment) && !environment['TCP_KEEPALIVE_CONFIG'];
  const { file, content, said } = isComplete ? { file: '', content: {}, said: '' } : readFile(environment, folder);
  const { policy, deadAfter, destroy, ...options } = { ...content, ...fromEnvironment };
  if (!isGiven({ policy, ...options })) {
    const variable = `${variables.policy} is ${text === undefined ? 'not set' : 'empty'}`;
    const alone = deadAfter === undefined ? [] : [`deadAfter has no effect alone (${variables.deadAfter})`];
    return { lookedFor: [variable, ...misspelt(environment), `${file} ${said}`, ...alone] };
  }
  const sourceOf: Configuration['sourceOf'] = (field) => (field in fromEnvironment ? variables[field as Field] : file);
  return {
    policy: (policy ?? 'unmanaged') as PolicyInput,
    options: options as ProcessOptions,
    watch: () => watchSettings(deadAfter, destroy, sourceOf),
    sourceOf,
  };
}

/** Reads `deadAfter` in milliseconds. A variable's number without a unit is in seconds, as in policy text. */
function readDeadAfter(given: unknown, source: string): number {
  const text = source === variables.deadAfter ? String(given) : undefined;
  const ms = text === undefined ? readMilliseconds(given) : readDuration(text, 's');
  const slip = text === undefined ? secondsMeant(given, leastDeadAfterMs) : millisecondsMeant(text);
  if (slip === undefined && ms !== undefined && ms >= leastDeadAfterMs) return ms;
  const allowed = `a duration of at least ${leastDeadAfterMs} ms, such as '45s'`;
  const shown = [describeValue(given), slip].filter(Boolean).join('; ');
  throw new ConfigurationError(source, 'deadAfter', given, allowed, undefined, shown);
}

function watchSettings(
  deadAfter: unknown,
  destroy: unknown,
  sourceOf: Configuration['sourceOf'],
): WatchSettings | undefined {
  const refuse = (allowed: string) => {
    throw new ConfigurationError(sourceOf('destroy'), 'destroy', destroy, allowed);
  };
  if (destroy !== undefined && typeof destroy !== 'boolean')
    refuse(`true or false; 'on' or 'off' in ${variables.destroy}`);
  if (destroy && deadAfter === undefined) refuse(`left out, or given with deadAfter (${variables.deadAfter})`);
  if (deadAfter === undefined) return undefined;
  return { deadAfterMs: readDeadAfter(deadAfter, sourceOf('deadAfter')), destroy: destroy === true };
}
