import path from 'node:path';
import { closestName } from '../../policy/closest-name.js';
import { assertKnownNames, ConfigurationError } from '../../policy/configuration-error.js';
import type { PolicyInput } from '../../policy/policy.js';
import type { ProcessOptions, SourceOf } from './apply-to-process.js';
import { type Content, type Field, fields, readConfigurationFile } from './configuration-file.js';

/** What a process is to be given, and where that stands. */
export interface Configuration {
  readonly policy: PolicyInput | 'unmanaged' | boolean;
  readonly options: ProcessOptions;
  readonly sourceOf: SourceOf;
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

/** What the environment says. */
function contentOf(environment: Environment): Content {
  const content: { [field in Field]?: unknown } = {};
  for (const field of fields) {
    const text = environment[variables[field]];
    if (!text) continue;
    content[field] = field === 'rules' ? parseRules(text) : text;
  }
  const { native } = content;
  return native === 'on' || native === 'off' ? { ...content, native: native === 'on' } : content;
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
  const { policy, ...options } = { ...content, ...fromEnvironment };
  if (!isGiven({ policy, ...options })) {
    const variable = `${variables.policy} is ${text === undefined ? 'not set' : 'empty'}`;
    return { lookedFor: [variable, ...misspelt(environment), `${file} ${said}`] };
  }
  return {
    policy: (policy ?? 'unmanaged') as PolicyInput,
    options: options as ProcessOptions,
    sourceOf: (field) => (field in fromEnvironment ? variables[field as Field] : file),
  };
}
