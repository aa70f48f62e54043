import type { Command, Option } from 'commander';
import { valuesOf } from '../../shared/option-values.js';

/** An option as shells complete it. */
export interface CompletableOption {
  /** Such as `-h` and `--help`. */
  readonly names: readonly string[];
  readonly description: string;
  /** What its value is called; undefined if it takes none. */
  readonly valueName: string | undefined;
  /** Whether the value may be left out. */
  readonly isValueOptional: boolean;
  readonly isFile: boolean;
  readonly values: readonly string[];
  /** Whether a value is a list, with commas. */
  readonly isList: boolean;
}

/** A command as shells complete it. */
export interface CompletableCommand {
  /** The words that call it: none for the program, `['defaults', 'set']`. */
  readonly path: readonly string[];
  readonly description: string;
  /** Its verbs. */
  readonly commands: readonly CompletableCommand[];
  readonly options: readonly CompletableOption[];
  /** What its first argument is called; undefined if it takes none. */
  readonly argumentName: string | undefined;
  /** The values of its first argument. */
  readonly argumentValues: readonly string[];
}

/** A value with this name is a file. */
const fileName = 'file';

function completableOption(option: Option): CompletableOption {
  const { values = [], isList = false } = valuesOf(option) ?? {};
  const valueName = /[<[]([^>\]]+)/.exec(option.flags)?.[1];
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    description: option.description,
    valueName,
    isValueOptional: option.optional,
    isFile: valueName === fileName,
    values,
    isList,
  };
}

/** Returns what commander knows of a command and of the commands below. */
export function completable(command: Command, path: readonly string[] = []): CompletableCommand {
  const help = command.createHelp();
  const below = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  const commands = below.map((other) => {
    const described = completable(other, [...path, other.name()]);
    // The command that commander adds takes the names of the others.
    const isHelp = !command.commands.includes(other);
    return isHelp ? { ...described, argumentValues: command.commands.map((known) => known.name()) } : described;
  });
  return {
    path,
    description: command.description(),
    commands,
    options: help.visibleOptions(command).map(completableOption),
    argumentName: argument?.name(),
    argumentValues: (argument && valuesOf(argument)?.values) ?? [],
  };
}

/** Returns a command and all below it. */
export function allCommands(command: CompletableCommand): CompletableCommand[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** Returns the names of the options that take the next word as their value. */
export function valueOptionNames({ options }: CompletableCommand): string[] {
  return options.filter((option) => option.valueName !== undefined && !option.isValueOptional).flatMap(namesOf);
}

export const namesOf = ({ names }: CompletableOption): readonly string[] => names;

/** The part of a script's name that functions of shells can have. */
export const functionName = (program: string) => program.replaceAll(/\W/g, '_');
