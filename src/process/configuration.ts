import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PolicyInput } from '../policy/index.js';
import type { ProcessOptions } from './apply-to-process.js';
import { ConfigurationError } from './configuration-error.js';

/** What a process is to be given, and where that stands. */
export interface Configuration {
  readonly policy: PolicyInput | 'off';
  readonly options: ProcessOptions;
  readonly source: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The file that is read where it lies in the working directory. */
export const configurationFile = 'tcp-keepalive.json';

const fields = ['policy', 'mode', 'rules', 'summarySignal'] as const;

type Content = { readonly [field in (typeof fields)[number]]?: unknown };

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
    throw new ConfigurationError(file, '', message, 'a file that can be read', error);
  }
}

function readFile(file: string, isNamed: boolean): Content | undefined {
  const text = readText(file, isNamed);
  if (text === undefined) return undefined;
  const content = parseJson(text, file, '', 'JSON');
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigurationError(file, '', content, `an object of ${fields.join(', ')}`);
  }
  const unknown = Object.keys(content).find((key) => !(fields as readonly string[]).includes(key));
  if (unknown !== undefined)
    throw new ConfigurationError(file, unknown, 'it', `left out; known are ${fields.join(', ')}`);
  return content;
}

/** What the environment says, which comes before the file. */
function contentOf(environment: Environment): Content {
  const { TCP_KEEPALIVE, TCP_KEEPALIVE_MODE, TCP_KEEPALIVE_RULES, TCP_KEEPALIVE_SUMMARY_SIGNAL } = environment;
  return {
    ...(TCP_KEEPALIVE && { policy: TCP_KEEPALIVE }),
    ...(TCP_KEEPALIVE_MODE && { mode: TCP_KEEPALIVE_MODE }),
    ...(TCP_KEEPALIVE_RULES && {
      rules: parseJson(TCP_KEEPALIVE_RULES, 'TCP_KEEPALIVE_RULES', '', 'a list of rules as JSON'),
    }),
    ...(TCP_KEEPALIVE_SUMMARY_SIGNAL && { summarySignal: TCP_KEEPALIVE_SUMMARY_SIGNAL }),
  };
}

/** Where what is in force stands, for errors. */
function sourceOf(environment: Environment, file: string, isFile: boolean): string {
  const variables = Object.keys(environment).filter((name) => name.startsWith('TCP_KEEPALIVE') && environment[name]);
  return [...(isFile ? [file] : []), ...(variables.length > 0 ? ['TCP_KEEPALIVE'] : [])].join(' and ');
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
  const { policy, ...options } = { ...fromFile, ...contentOf(environment) };
  if (policy === undefined && options.rules === undefined) return undefined;
  return {
    policy: (policy ?? 'off') as PolicyInput | 'off',
    options: options as ProcessOptions,
    source: sourceOf(environment, file, fromFile !== undefined),
  };
}
