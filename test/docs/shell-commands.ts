import { existsSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from './blocks.js';
import { manifest } from './scratch.js';

/** A shell block taken apart: what is run, and what would set up, build or test the project itself. */
export interface ShellScript {
  readonly script: string;
  readonly projectCommands: readonly string[];
}

/** The commands of a `console` block: the lines after a prompt; the rest is output. */
function commandsAtPrompt(code: string): string {
  const lines = code.split('\n').filter((line) => /^\s*[$#] /.test(line));
  return lines.map((line) => line.replace(/^\s*[$#] /, '')).join('\n');
}

function withoutComment(command: string): string {
  return command.replace(/(^|\s)#.*$/, '').trim();
}

const projectCommand =
  /^(git clone|cd tcp-keepalive$|npm (ci|install|i|start|test|run|pack|publish|exec)\b|\.ci\/run|scripts\/)/;

/** A development tool of this project, run with npx. */
function toolOf(command: string): string | undefined {
  const tool = /^npx (?:--no-install )?(\S+)/.exec(command)?.[1];
  return tool !== undefined && existsSync(path.join(projectRoot, 'node_modules/.bin', tool)) ? tool : undefined;
}

function isProjectCommand(command: string): boolean {
  return projectCommand.test(command) || toolOf(command) !== undefined;
}

/** Separates a shell block's commands. A line that has a project command in it may hold others, joined by `&&`. */
export function readShell(language: string, code: string): ShellScript {
  const text = language === 'console' ? commandsAtPrompt(code) : code;
  const projectCommands: string[] = [];
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  const kept = lines.map((line) => {
    const commands = withoutComment(line).split(/\s*&&\s*/);
    const ofProject = commands.filter(isProjectCommand);
    if (ofProject.length === 0) return line;
    projectCommands.push(...ofProject);
    return commands.filter((command) => !isProjectCommand(command)).join(' && ');
  });
  return { script: kept.join('\n').trim(), projectCommands };
}

function isInstallable(wanted: string): boolean {
  if (/^-/.test(wanted)) return true;
  if (wanted.endsWith('.tgz')) return path.basename(wanted).startsWith(`${manifest.name}-`);
  const name = wanted.replace(/(?<=.)@[^/]*$/, '');
  return name === manifest.name || name in manifest.dependencies || name in manifest.devDependencies;
}

function missingScript(command: string): string | undefined {
  const [, verb, ...rest] = command.split(/\s+/);
  const script = verb === 'run' ? rest.find((word) => !word.startsWith('-')) : verb;
  if (verb !== 'run' && verb !== 'start' && verb !== 'test') return undefined;
  if (script !== undefined && script in manifest.scripts) return undefined;
  return `package.json has no script '${script}'`;
}

function missingPackage(command: string): string | undefined {
  const wanted = /^npm (?:install|i)\s+(.*)$/.exec(command)?.[1]?.split(/\s+/) ?? [];
  const unknown = wanted.find((name) => !isInstallable(name));
  return unknown === undefined ? undefined : `'${unknown}' is neither this package nor one it depends on`;
}

function missingFile(command: string): string | undefined {
  const files = command.split(/\s+/).filter((word) => /^(\.ci|scripts|src|test|examples|bench|docs)\//.test(word));
  const absent = files.find((file) => !/[*?{<]/.test(file) && !existsSync(path.join(projectRoot, file)));
  return absent === undefined ? undefined : `there is no ${absent}`;
}

/** What is wrong with a command that concerns the project itself, `undefined` when it names only what exists. */
export function faultOf(command: string): string | undefined {
  return missingScript(command) ?? missingPackage(command) ?? missingFile(command);
}
