import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError, type PolicyInput, refuseOtherFields } from '../policy/index.js';
import type { ProcessOptions, SourceOf } from './apply-to-process.js';

/** What a process is to be given, and where that stands. */
export interface Configuration {
  readonly policy: PolicyInput | 'off';
  readonly options: ProcessOptions;
  readonly sourceOf: SourceOf;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The file that is read where it lies in the working directory. */
export const configurationFile = 'tcp-keepalive.json';

const fields = ['policy', 'mode', 'rules', 'summarySignal', 'native'] as const;

type Field = (typeof fields)[number];

type Content = { readonly [field in Field]?: unknown };

function parseJson(text: string, source: string, field: string, allowed: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(source, field, text, `${allowed} (${(error as Error).message})`, error);
  }
}

/** A file that was named must be there; one that was not may be missing. */
function readText(file: string, isNamed: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!isNamed && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw new ConfigurationError(file, '', code, `a file that can be read (${message})`, error);
  }
}

function readFile(file: string, isNamed: boolean): Content | undefined {
  const text = readText(file, isNamed);
  if (text === undefined) return undefined;
  const content = parseJson(text, file, '', 'JSON');
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigurationError(file, '', content, `an object of ${fields.join(', ')}`);
  }
  refuseOtherFields(file, content, fields);
  return content;
}

/** The variables that give a field, before the file. */
const variables = {
  policy: 'TCP_KEEPALIVE',
  mode: 'TCP_KEEPALIVE_MODE',
  rules: 'TCP_KEEPALIVE_RULES',
  summarySignal: 'TCP_KEEPALIVE_SUMMARY_SIGNAL',
  native: 'TCP_KEEPALIVE_NATIVE',
} as const satisfies Record<Field, string>;

/** What the environment says. */
function contentOf(environment: Environment): Content {
  const content: { [field in Field]?: unknown } = {};
  for (const field of fields) {
    const text = environment[variables[field]];
    if (!text) continue;
    content[field] = field === 'rules' ? parseJson(text, variables.rules, '', 'a list of rules as JSON') : text;
  }
  const { native } = content;
  return native === 'on' || native === 'off' ? { ...content, native: native === 'on' } : content;
}

/**
 * Reads what a process is to be given: the environment, then `tcp-keepalive.json` in the working directory or the file
 * that `TCP_KEEPALIVE_CONFIG` names. `undefined` where neither says anything, and for `TCP_KEEPALIVE=off`.
 *
 * @throws {ConfigurationError} for a file or variable that cannot be read.
 */
export function readConfiguration(environment: Environment, folder: string): Configuration | undefined {
  if (environment['TCP_KEEPALIVE'] === 'off') return undefined;
  const { TCP_KEEPALIVE_CONFIG: named } = environment;
  const file = named ? path.resolve(folder, named) : path.join(folder, configurationFile);
  const fromFile = readFile(file, Boolean(named));
  const fromEnvironment = contentOf(environment);
  const { policy, ...options } = { ...fromFile, ...fromEnvironment };
  if (policy === undefined && options.rules === undefined) return undefined;
  return {
    policy: (policy ?? 'off') as PolicyInput | 'off',
    options: options as ProcessOptions,
    sourceOf: (field) => (field in fromEnvironment ? variables[field as Field] : file),
  };
}
